use std::os::unix::fs::symlink;

use super::*;

fn survey(folder: &Path) -> Survey {
    Survey::of(folder, load(folder).ok().as_ref(), Path::new(""))
}

#[test]
fn what_is_not_touched_looks_the_same() {
    let folder = folder(EXEC);
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/b/file"), "1").unwrap();
    let before = survey(folder.path());
    assert_eq!(before, survey(folder.path()));
    assert!(before.complete);
    let root = folder.path().canonicalize().unwrap();
    assert_eq!(
        before.directories,
        [root.clone(), root.join("a"), root.join("a/b")]
    );
}

#[test]
fn every_change_of_a_file_shows() {
    let folder = folder(EXEC);
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("deep")).unwrap();
    let mut seen = vec![survey(folder.path())];
    let mut changed = |what: &str| {
        let now = survey(folder.path());
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    fs::write(path("deep/file"), "1").unwrap();
    changed("a new file");
    fs::write(path("deep/file"), "22").unwrap();
    changed("another size");
    fs::write(path("new"), "33").unwrap();
    fs::rename(path("new"), path("deep/file")).unwrap();
    changed("another inode");
    executable(&path("deep/file"), "33");
    changed("another mode");
    fs::rename(path("deep"), path("deeper")).unwrap();
    changed("another place");
    fs::remove_file(path("deeper/file")).unwrap();
    changed("no file");
}

#[test]
fn links_are_followed_to_where_they_lead() {
    let folder = folder(EXEC);
    let path = |name: &str| folder.path().join(name);
    for version in ["..1", "..2"] {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("file"), "same").unwrap();
    }
    symlink("..1", path("..data")).unwrap();
    symlink("..data/file", path("file")).unwrap();
    let before = survey(folder.path());
    symlink("..2", path("..data_tmp")).unwrap();
    fs::rename(path("..data_tmp"), path("..data")).unwrap();
    assert_ne!(before, survey(folder.path()));

    let outside = tempfile::tempdir().unwrap();
    symlink(folder.path(), outside.path().join("now")).unwrap();
    assert_eq!(survey(&outside.path().join("now")), survey(folder.path()));
}

#[test]
fn caches_are_no_part_of_it_and_a_large_folder_is_not_complete() {
    let folder = folder(EXEC);
    let before = survey(folder.path());
    fs::create_dir(folder.path().join("__pycache__")).unwrap();
    fs::write(folder.path().join("__pycache__/x.pyc"), "").unwrap();
    assert_eq!(before, survey(folder.path()));
    for number in 0..MAX_ENTRIES {
        fs::File::create(folder.path().join(number.to_string())).unwrap();
    }
    assert!(!survey(folder.path()).complete);
}

#[test]
fn what_the_function_may_write_is_data() {
    let profiles = tempfile::tempdir().unwrap();
    fs::write(
        profiles.path().join("writer.yaml"),
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: writer}\nspec:\n  \
         write: [{path: \"${FUNCTION_DIR}/data\", why: its data}]\n",
    )
    .unwrap();
    let folder = folder("  runtime: exec\n  command: [/bin/cat]\n  profile: writer\n");
    fs::create_dir(folder.path().join("data")).unwrap();
    let catalog = Catalog::new([profiles.path().to_owned()]);
    let function = Function::load(folder.path(), &catalog, &interpreters()).unwrap();
    let before = Survey::of(folder.path(), Some(&function), Path::new(""));
    fs::write(folder.path().join("data/file"), "1").unwrap();
    assert_eq!(
        before,
        Survey::of(folder.path(), Some(&function), Path::new(""))
    );
}

#[test]
fn the_secrets_that_are_listed_are_looked_at() {
    let folder = folder(&format!("{EXEC}  secrets: [key]\n"));
    let function = load(folder.path()).unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let survey = || Survey::of(folder.path(), Some(&function), secrets.path());
    let none = survey();
    fs::write(secrets.path().join("other"), "1").unwrap();
    assert_eq!(none, survey());
    fs::create_dir(secrets.path().join("..1")).unwrap();
    fs::write(secrets.path().join("..1/key"), "1").unwrap();
    symlink("..1", secrets.path().join("..data")).unwrap();
    symlink("..data/key", secrets.path().join("key")).unwrap();
    let first = survey();
    assert_ne!(none, first);
    fs::rename(secrets.path().join("..1"), secrets.path().join("..2")).unwrap();
    fs::remove_file(secrets.path().join("..data")).unwrap();
    symlink("..2", secrets.path().join("..data")).unwrap();
    assert_ne!(first, survey());
}
