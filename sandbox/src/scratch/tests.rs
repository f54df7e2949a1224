use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;

use super::*;

fn root() -> (tempfile::TempDir, ScratchRoot) {
    let directory = tempfile::tempdir().unwrap();
    let root = ScratchRoot::create(directory.path(), "f").unwrap();
    (directory, root)
}

fn is_empty(path: &Path) -> bool {
    fs::read_dir(path).unwrap().next().is_none()
}

#[test]
fn names_never_repeat() {
    let (_directory, root) = root();
    let first = root.make().unwrap();
    let second = root.make().unwrap();
    assert_ne!(first.path(), second.path());
    assert!(first.remove_if_empty().is_ok());
    second.remove().unwrap();
    assert!(is_empty(root.path()));
}

#[test]
fn an_empty_one_goes_at_once_and_a_full_one_is_given_back() {
    let (_directory, root) = root();
    let scratch = root.make().unwrap();
    fs::write(scratch.path().join("file"), "x").unwrap();
    let scratch = scratch.remove_if_empty().unwrap_err();
    scratch.remove().unwrap();
    assert!(is_empty(root.path()));
}

#[test]
fn follows_no_link() {
    let (directory, root) = root();
    let outside = directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "x").unwrap();
    let scratch = root.make().unwrap();
    symlink(&outside, scratch.path().join("link")).unwrap();
    fs::create_dir(scratch.path().join("sub")).unwrap();
    symlink(&outside, scratch.path().join("sub/link")).unwrap();
    symlink("/nonexistent", scratch.path().join("dangling")).unwrap();
    scratch.remove().unwrap();
    assert!(outside.join("kept").exists());
    assert!(is_empty(root.path()));
}

#[test]
fn survives_a_tree_deeper_than_there_are_descriptors() {
    let (_directory, root) = root();
    let scratch = root.make().unwrap();
    let mut here = openat(AT_FDCWD, scratch.path(), DIRECTORY, Mode::empty()).unwrap();
    for depth in 0..6000 {
        mkdirat(&here, "d", Mode::S_IRWXU).unwrap();
        if depth % 100 == 0 {
            mkdirat(&here, "leasehold-removing-7", Mode::S_IRWXU).unwrap();
        }
        here = openat(&here, "d", DIRECTORY, Mode::empty()).unwrap();
    }
    scratch.remove().unwrap();
    assert!(is_empty(root.path()));
}

#[test]
fn survives_directories_without_permissions() {
    let (_directory, root) = root();
    let scratch = root.make().unwrap();
    let inner = scratch.path().join("a/b/c");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("file"), "x").unwrap();
    for path in ["a/b/c", "a/b", "a", ""] {
        let path = scratch.path().join(path);
        fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    }
    scratch.remove().unwrap();
    assert!(is_empty(root.path()));
}

#[test]
fn survives_a_hundred_thousand_files() {
    let (_directory, root) = root();
    let scratch = root.make().unwrap();
    let directory = openat(AT_FDCWD, scratch.path(), DIRECTORY, Mode::empty()).unwrap();
    let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    for number in 0..100_000 {
        drop(
            openat(
                &directory,
                number.to_string().as_str(),
                flags,
                Mode::S_IRUSR,
            )
            .unwrap(),
        );
    }
    scratch.remove().unwrap();
    assert!(is_empty(root.path()));
}

#[test]
fn a_missing_tree_is_no_error_and_a_file_is() {
    let (directory, _root) = root();
    remove_tree(&directory.path().join("missing")).unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(remove_tree(&file).is_err());
    assert!(file.exists());
}
