use super::*;

fn put(directory: &Path, folder: &str, text: &str) {
    fs::create_dir_all(directory.join(folder)).unwrap();
    fs::write(directory.join(folder).join(FILE_NAME), text).unwrap();
}

/// Name and error of what is found in these directories.
fn found(directories: &[&Path]) -> Vec<(String, Option<String>)> {
    let directories: Vec<PathBuf> = directories.iter().map(|&path| path.to_owned()).collect();
    let found = discover(
        &directories,
        &Catalog::default(),
        &interpreters(),
        Path::new(""),
    );
    let told = |found: Found| {
        (
            found.name,
            found.result.err().map(|error| error.to_string()),
        )
    };
    found.into_iter().map(told).collect()
}

#[test]
fn direct_subfolders_sorted_without_hidden_ones() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, "b", &document("second", EXEC));
    put(root, "a", &document("first", EXEC));
    put(root, "..data", &document("first", EXEC));
    put(root, ".git", &document("hidden", EXEC));
    put(root, "c/deep", &document("deep", EXEC));
    fs::write(root.join("README.md"), "").unwrap();
    let names = [("first".to_owned(), None), ("second".to_owned(), None)];
    assert_eq!(found(&[root]), names);
    // A folder that is a function itself; and once more, which counts once.
    assert_eq!(found(&[&root.join("a")]), names[..1]);
    assert_eq!(found(&[root, &root.join("a"), root]), names);
}

#[test]
fn one_mistake_does_not_hide_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, "a", "[");
    put(
        root,
        "b",
        &document("named", "  runtime: exec\n  profile: compute\n"),
    );
    put(root, "c", &document("good", EXEC));
    std::os::unix::fs::symlink("/nowhere", root.join("c/link")).unwrap();
    fs::create_dir(root.join("d")).unwrap();
    std::os::unix::fs::symlink("/nowhere", root.join("d").join(FILE_NAME)).unwrap();
    let found = found(&[root]);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "named", "good", "d"]);
    let failed: Vec<_> = found.iter().map(|(_, error)| error.is_some()).collect();
    assert_eq!(failed, [true, true, false, true]);
}

#[test]
fn of_two_with_one_name_the_later_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, "a", &document("same", EXEC));
    put(root, "b", &document("same", EXEC));
    let found = found(&[root]);
    assert_eq!(found[0], ("same".to_owned(), None));
    let expected = format!(
        "`same` is the name of two functions, in {0}/a and in {0}/b; rename one in its function.yaml",
        root.display()
    );
    assert_eq!(found[1], ("same".to_owned(), Some(expected)));
}

#[test]
fn a_directory_must_exist() {
    let expected =
        "cannot list the functions in /nowhere/at-all: No such file or directory (os error 2)";
    let found = found(&[Path::new("/nowhere/at-all")]);
    assert_eq!(found, [("at-all".to_owned(), Some(expected.to_owned()))]);
}

#[test]
fn there_is_a_bound() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..=MAX_FUNCTIONS {
        put(directory.path(), &format!("f{number:05}"), "[");
    }
    let found = found(&[directory.path()]);
    assert_eq!(found.len(), MAX_FUNCTIONS + 1);
    let (name, error) = found.last().unwrap();
    assert_eq!(name, "f04096");
    assert!(
        error
            .as_ref()
            .unwrap()
            .starts_with("there are more than 4096 functions")
    );
}
