//! What one profile allows that another does not.

use super::*;

#[test]
fn only_what_is_more_is_shown_and_the_exit_code_says_whether() {
    let directory = profiles(&[
        (
            "narrow",
            "  extends: [base]\n  connect: [{port: 80, why: w}]\n",
        ),
        (
            "wide",
            "  extends: [base]\n  connect: [{port: 80, why: w}, {port: 443, why: TLS}]\n  write: [{path: \
             /dev/full, why: tests}]\n  ceiling: {memory: 1Gi}\n  advanced: {seccomp: [{names: [mbind], \
             action: allow, why: NUMA}]}\n",
        ),
    ]);
    let diff = |before: &str, after: &str| {
        profile(
            directory.path(),
            &["diff", "--profiles", ".", before, after],
        )
    };
    let more = diff("narrow", "wide");
    assert_eq!(more.status.code(), Some(1));
    let expected = "+ read, write /dev/full  (./wide.yaml:7:18: tests)\n\
                    + connect 443  (./wide.yaml:6:40: TLS)\n\
                    + mbind  (./wide.yaml:9:33: NUMA)\n\
                    + memory 1Gi, instead of 512Mi\n";
    assert_eq!(out(&more), expected);
    let less = diff("wide", "narrow");
    assert_eq!(less.status.code(), Some(0));
    assert_eq!(out(&less), "narrow allows nothing that wide does not\n");
    // Files are taken as well as names.
    assert_eq!(diff("narrow", "./wide.yaml").status.code(), Some(1));

    let shell = json(&profile(
        Path::new("/"),
        &["diff", "base", "shell", "--json"],
    ));
    let allows = |what: &str| {
        let additions = shell["additions"].as_array().unwrap();
        additions.iter().any(|addition| addition["allows"] == what)
    };
    for what in ["read, execute /usr/bin", "fork", "execve"] {
        assert!(allows(what), "{what} {shell:#}");
    }
    assert_eq!(shell["limits"][0]["limit"], "processes");
}
