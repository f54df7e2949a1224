//! Mistakes that `function.yaml` alone shows.

use super::*;

#[test]
fn fields() {
    assert_shown(
        &format!("{EXEC}  comand: [./x]\n"),
        r#"
unknown field `comand`
 --> DIR/function.yaml:8:3
  |
8 |   comand: [./x]
  |   ^^^^^^
  |
  = help: did you mean `command`?"#,
    );
    assert_shown(
        "  runtime: pyton\n  handler: a.b\n  profile: python\n",
        r#"
unknown value `pyton`
 --> DIR/function.yaml:5:12
  |
5 |   runtime: pyton
  |            ^^^^^
  |
  = help: did you mean `python`?"#,
    );
    assert_shown(
        "  runtime: exec\n  command: [/bin/cat]\n",
        r#"
the field `profile` is missing
 --> DIR/function.yaml:6:3
  |
6 |   command: [/bin/cat]
  |   ^^^^^^^"#,
    );
    assert_shown(
        "  runtime: exec\n  handler: a.b\n  profile: compute\n",
        r#"
an exec function has no handler
 --> DIR/function.yaml:6:12
  |
6 |   handler: a.b
  |            ^^^
  |
  = help: write `command: [./PROGRAM]`, or `runtime: python`"#,
    );
    assert_shown(
        "  runtime: python\n  command: [/bin/cat]\n  profile: python\n",
        r#"
a python function has no command
 --> DIR/function.yaml:6:12
  |
6 |   command: [/bin/cat]
  |            ^
  |
  = help: write `handler: MODULE.FUNCTION`, or `runtime: exec`"#,
    );
    for (more, message, mark) in [
        ("handler: a.b", "a wasm function has no handler", "a.b"),
        ("interpreter: x", "a wasm function has no interpreter", "x"),
        (
            "secrets: [key]",
            "a wasm function can read no secrets",
            "key",
        ),
    ] {
        let folder = folder(&format!(
            "  runtime: wasm\n  command: [./it.wasm]\n  profile: wasm\n  {more}\n"
        ));
        let error = load(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert!(error.contains(&"^".repeat(mark.len())), "{error}");
    }
    assert_shown(
        "  runtime: wasm\n  profile: wasm\n",
        r#"
a wasm function needs a command
 --> DIR/function.yaml:5:12
  |
5 |   runtime: wasm
  |            ^^^^
  |
  = help: write `command: [./MODULE.wasm]`, with its arguments behind it"#,
    );
    assert_shown(
        "  runtime: python\n  handler: a.b\n  profile: python\n  protocol: cgi\n",
        r#"
a python function has no protocol
 --> DIR/function.yaml:8:13
  |
8 |   protocol: cgi
  |             ^^^
  |
  = help: remove it; a protocol is how an exec function's program speaks"#,
    );
    assert_shown(
        &format!("{EXEC}  protocol: cgi\n  start: spawn\n"),
        r#"
a CGI script cannot be started ahead of its request
 --> DIR/function.yaml:9:10
  |
9 |   start: spawn
  |          ^^^^^
  |
  = help: its environment tells of the request: remove `start`, or `protocol`"#,
    );
    assert_shown(
        &format!("{EXEC}  protocol: cgj\n"),
        r#"
unknown value `cgj`
 --> DIR/function.yaml:8:13
  |
8 |   protocol: cgj
  |             ^^^
  |
  = help: did you mean `cgi`?"#,
    );
    assert_shown(
        "  runtime: python\n  profile: python\n",
        r#"
a python function needs a handler
 --> DIR/function.yaml:5:12
  |
5 |   runtime: python
  |            ^^^^^^
  |
  = help: write `handler: MODULE.FUNCTION`: `handler.handle` is `def handle` in handler.py"#,
    );
    assert_shown(
        "  runtime: exec\n  profile: compute\n",
        r#"
an exec function needs a command
 --> DIR/function.yaml:5:12
  |
5 |   runtime: exec
  |            ^^^^
  |
  = help: write `command: [./PROGRAM]`"#,
    );
    assert_shown(
        &format!("{EXEC}  interpreter: python3\n"),
        r#"
an exec function has no interpreter
 --> DIR/function.yaml:8:16
  |
8 |   interpreter: python3
  |                ^^^^^^^
  |
  = help: remove it; a script names its own in its `#!` line"#,
    );
    assert_shown(
        &format!("{EXEC}  pool: 0\n"),
        r#"
a pool of 0 is not possible
 --> DIR/function.yaml:8:9
  |
8 |   pool: 0
  |         ^
  |
  = help: write a number from 1 to 256"#,
    );
    assert_shown(
        &format!("{EXEC}  concurrency:\n"),
        r#"
this is not a number, or not one that is possible here
 --> DIR/function.yaml:8:14
  |
8 |   concurrency:
  |              ^
  |
  = help: write a whole number in decimal digits"#,
    );
    assert_shown(
        &format!("{EXEC}  isolation: full\n"),
        r#"
unknown value `full`
 --> DIR/function.yaml:8:14
  |
8 |   isolation: full
  |              ^^^^
  |
  = help: did you mean `call`?"#,
    );
}

#[test]
fn handlers() {
    for handler in [
        "handle", "handler.", ".handle", "a..b", "a-b.c", "a.1b", "\"a. b\"", "a.b()",
    ] {
        let spec = format!("  runtime: python\n  handler: {handler}\n  profile: python\n");
        let shown = failure(folder(&spec).path());
        assert!(
            shown.contains("is not a handler\n --> DIR/function.yaml:6:12"),
            "{shown}"
        );
    }
    assert_shown(
        "  runtime: python\n  handler: handler\n  profile: python\n",
        r#"
`handler` is not a handler
 --> DIR/function.yaml:6:12
  |
6 |   handler: handler
  |            ^^^^^^^
  |
  = help: write `handler: MODULE.FUNCTION`: `handler.handle` is `def handle` in handler.py"#,
    );
}

#[test]
fn variables() {
    assert_shown(
        &format!("{EXEC}  env: {{A-B: x}}\n"),
        r#"
`A-B` is not the name of a variable
 --> DIR/function.yaml:8:9
  |
8 |   env: {A-B: x}
  |         ^^^
  |
  = help: a name is letters, digits and `_`, and does not begin with a digit"#,
    );
    assert_shown(
        &format!("{EXEC}  env: {{A: x, A: y}}\n"),
        r#"
`A` stands here a second time
 --> DIR/function.yaml:8:15
  |
8 |   env: {A: x, A: y}
  |               ^
  |
  = help: remove one of them"#,
    );
    assert_shown(
        &format!("{EXEC}  env: {{A: \"x\\0y\"}}\n"),
        r#"
the value of `A` has a NUL in it
 --> DIR/function.yaml:8:12
  |
8 |   env: {A: "x\0y"}
  |            ^^^^^^
  |
  = help: remove it"#,
    );
    assert_shown(
        &format!("{EXEC}  env: [A=x]\n"),
        r#"
fields are expected here
 --> DIR/function.yaml:8:8
  |
8 |   env: [A=x]
  |        ^
  |
  = help: write `{field: value}`, or each field on a line of its own"#,
    );
    assert_shown(
        &format!("{EXEC}  env:\n    BIG: {}\n", "x".repeat(70_000)),
        r#"
with `BIG`, `env` is too large
 --> DIR/function.yaml:9:5
  |
9 |     BIG: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
  |     ^^^
  |
  = help: 65536 bytes are the most; put the rest into a file"#,
    );
    let many: String = (0..129)
        .map(|number| format!("    V{number}: x\n"))
        .collect();
    assert_shown(
        &format!("{EXEC}  env:\n{many}"),
        r#"
`env` has 129 variables
 --> DIR/function.yaml:9:5
  |
9 |     V0: x
  |     ^
  |
  = help: 128 are the most; put the rest into a file"#,
    );
}
