//! Where a function's code comes from: its folder, `site-packages` beside it, a virtual environment.

use std::process::Command;

use crate::support::python::{EachPython, interpreters};
use crate::support::{Functions, Host};

#[test]
fn packages_beside_the_code_are_imported() {
    let files = [
        (
            "handler.py",
            "import sys\nimport neighbour, package.inner\n\n\
             def handle(e, c):\n    import late\n    \
             return [neighbour.NAME, package.inner.NAME, late.NAME, sys.argv[0] in sys.path, \
             __name__, '' in sys.path]\n",
        ),
        ("neighbour.py", "NAME = 'neighbour'\n"),
        ("late.py", "NAME = 'late'\n"),
        ("site-packages/package/__init__.py", ""),
        ("site-packages/package/inner.py", "NAME = 'inner'\n"),
        // A function's own module comes before a package of the same name.
        ("site-packages/neighbour.py", "NAME = 'wrong'\n"),
    ];
    EachPython::serve_files("", &files).each(|host, function| {
        let reply = host.call(function, "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        let expected = serde_json::json!(["neighbour", "inner", "late", true, "handler", false]);
        assert_eq!(reply.json(), expected);
    });
}

#[test]
fn a_virtual_environment_is_an_interpreter() {
    let functions = Functions::new();
    let mut names = Vec::new();
    for (number, interpreter) in interpreters().into_iter().enumerate() {
        let name = format!("venv-{number}");
        let files = [(
            "handler.py",
            "import sys, inside\n\ndef handle(e, c):\n    \
             return [inside.NAME, sys.prefix != sys.base_prefix]\n",
        )];
        let venv = functions.path().join(&name).join("venv");
        let spec = format!(
            "  runtime: python\n  handler: handler.handle\n  profile: python\n  interpreter: \
             {}/bin/python",
            venv.display()
        );
        functions.add(&name, &spec, &files);
        // Debian's python3 makes one only with python3-venv, unless pip is left out.
        let made = Command::new(interpreter)
            .args(["-m", "venv", "--without-pip"])
            .arg(&venv)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let lib = std::fs::read_dir(venv.join("lib")).unwrap();
        let packages = lib.flatten().next().unwrap().path().join("site-packages");
        std::fs::write(packages.join("inside.py"), "NAME = 'inside'\n").unwrap();
        names.push(name);
    }
    let host = Host::start(functions.path());
    for name in names {
        let reply = host.call(&name, "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json(), serde_json::json!(["inside", true]));
    }
}
