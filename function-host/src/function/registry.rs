//! Which functions there are: every folder with a `function.yaml` in the directories given.
//!
//! Plain data, read once at each call: nothing here is started or watched.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use leasehold_sandbox::profile::Catalog;

use super::document::Document;
use super::interpreter::Interpreters;
use super::{FILE_NAME, Function, FunctionError, MAX_FUNCTIONS, Survey};

/// A folder that was found, and the function in it or why there is none.
#[derive(Debug)]
pub struct Found {
    /// `metadata.name` if it can be read, else the folder's own name.
    pub name: String,
    /// The folder, below the directory as it was given.
    pub directory: PathBuf,
    /// The function.
    pub result: Result<Function, FunctionError>,
    /// What the folder looked like once the function was read, and before any of it was started.
    pub survey: Survey,
}

impl Found {
    fn new(
        name: String,
        directory: PathBuf,
        result: Result<Function, FunctionError>,
        secrets: &Path,
    ) -> Self {
        Self {
            survey: Survey::of(&directory, result.as_ref().ok(), secrets),
            name,
            directory,
            result,
        }
    }
}

/// Finds and loads the functions of these directories, in order, sorted within each.
///
/// A directory that itself has a `function.yaml` is one function; else each of its direct subfolders
/// that has one is. Hidden folders are left out, and so are those of a ConfigMap's mount (`..data`).
/// The same folder found twice counts once; of two with one name, the later is an error. What functions
/// list of `secrets` is looked at, not read.
#[must_use]
pub fn discover(
    dirs: &[PathBuf],
    catalog: &Catalog,
    interpreters: &Interpreters,
    secrets: &Path,
) -> Vec<Found> {
    // Before the first function is loaded: none may name another's file as its interpreter.
    dirs.iter().for_each(|dir| interpreters.distrust(dir));
    let mut found = Vec::new();
    let (mut names, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for dir in dirs {
        let folders = match folders(dir) {
            Ok(folders) => folders,
            Err(source) => {
                let path = dir.clone();
                found.push(failed(dir, FunctionError::List { path, source }));
                continue;
            }
        };
        for folder in folders {
            if folder
                .canonicalize()
                .is_ok_and(|canonical| !seen.insert(canonical))
            {
                continue;
            }
            if found.len() >= MAX_FUNCTIONS {
                found.push(failed(
                    &folder,
                    FunctionError::TooMany {
                        path: folder.clone(),
                    },
                ));
                return found;
            }
            found.push(load(folder, &mut names, catalog, interpreters, secrets));
        }
    }
    found
}

/// Loads one function, unless its name is taken.
fn load(
    folder: PathBuf,
    names: &mut BTreeMap<String, PathBuf>,
    catalog: &Catalog,
    interpreters: &Interpreters,
    secrets: &Path,
) -> Found {
    let (document, canonical) = match Document::read(&folder) {
        Ok(read) => read,
        Err(error) => return failed(&folder, error),
    };
    let function = || Function::from_document(&document, canonical, catalog, interpreters);
    // Without a name it cannot be a function, and says why.
    let Some(name) = document.name() else {
        let name = folder_name(&folder);
        return Found::new(name, folder, function(), secrets);
    };
    let result = match names.get(&name) {
        Some(first) => Err(FunctionError::Duplicate {
            name: name.clone(),
            first: first.clone(),
            second: folder.clone(),
        }),
        None => {
            names.insert(name.clone(), folder.clone());
            function()
        }
    };
    Found::new(name, folder, result, secrets)
}

/// The folders of functions in `dir`, sorted; itself, if it is one.
fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    if is_function(dir) {
        return Ok(vec![dir.to_owned()]);
    }
    let mut folders = Vec::new();
    for entry in dir.read_dir()? {
        let name = entry?.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let folder = dir.join(name);
        if is_function(&folder) {
            folders.push(folder);
        }
        // One more than are loaded, so that the excess is told.
        if folders.len() > MAX_FUNCTIONS {
            break;
        }
    }
    folders.sort();
    Ok(folders)
}

/// Whether somebody meant it to be one: a link that leads nowhere counts, and is then told about.
fn is_function(folder: &Path) -> bool {
    folder.join(FILE_NAME).symlink_metadata().is_ok()
}

fn failed(directory: &Path, error: FunctionError) -> Found {
    // It lists no secrets.
    let name = folder_name(directory);
    Found::new(name, directory.to_owned(), Err(error), Path::new(""))
}

fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}
