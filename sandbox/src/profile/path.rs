//! Paths of a profile: absolute or under a variable, in one spelling. Touches no file.
#![forbid(unsafe_code)]

use super::yaml::instead_of;

/// What a path may begin with; compilation puts a directory in its place.
pub const VARIABLES: [&str; 3] = ["${FUNCTION_DIR}", "${SCRATCH}", "${PYTHON_PREFIX}"];

/// Linux' `PATH_MAX`, the final NUL included.
const PATH_MAX: usize = 4096;

const ABSOLUTE: &str = "begin it with `/`, `${FUNCTION_DIR}`, `${SCRATCH}` or `${PYTHON_PREFIX}`";

/// A path in its one spelling: absolute or under a variable, without `.`, `..` or `//`.
///
/// Else what is wrong with it, and what to do.
pub(super) fn normal(text: &str) -> Result<String, (String, String)> {
    let wrong = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
    if text.is_empty() {
        return wrong("the path is empty", ABSOLUTE);
    }
    if text.len() >= PATH_MAX {
        return wrong(
            "the path is longer than Linux allows",
            "4095 bytes are the most",
        );
    }
    if text.chars().any(char::is_control) {
        return wrong("the path has a control character in it", "remove it");
    }
    let variable = VARIABLES
        .into_iter()
        .find(|variable| text.starts_with(variable));
    let rest = text.get(variable.map_or(0, str::len)..).unwrap_or_default();
    if let Some(start) = rest.find("${") {
        let name = rest.get(start..).unwrap_or_default();
        let name = name
            .find('}')
            .and_then(|end| name.get(..=end))
            .unwrap_or(name);
        if VARIABLES.contains(&name) {
            return wrong(
                &format!("`{name}` stands inside a path"),
                "a path may only begin with it",
            );
        }
        return wrong(
            &format!("unknown variable `{name}`"),
            &instead_of(name, &VARIABLES),
        );
    }
    if !(rest.starts_with('/') || variable.is_some() && rest.is_empty()) {
        let message = format!("`{text}` is not an absolute path");
        return wrong(&message, ABSOLUTE);
    }
    let mut normal = variable.unwrap_or_default().to_owned();
    for component in rest.split('/').filter(|component| !component.is_empty()) {
        if component == "." || component == ".." {
            let message = format!("the path has a `{component}` component");
            return wrong(&message, "write the path that is meant");
        }
        normal.push('/');
        normal.push_str(component);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Ok(normal)
}
