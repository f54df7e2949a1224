//! Every example, called through HTTP with its sample, byte for byte.

mod support;

use std::fs;

use support::{Host, examples, is_installed};

/// Reads `Name: value` lines.
fn headers(text: &str) -> Vec<(&str, &str)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(n, v)| (n, v.trim()))
        .collect()
}

#[test]
fn every_example_answers_its_sample_byte_for_byte() {
    let host = Host::start(&examples());
    let mut tried = 0;
    for entry in fs::read_dir(examples()).unwrap() {
        let directory = entry.unwrap().path();
        let Ok(expected) = fs::read(directory.join("sample/expected")) else {
            continue;
        };
        let name = directory.file_name().unwrap().to_str().unwrap();
        if name == "ics" && !is_installed("node") {
            continue;
        }
        let needs = directory.join("requirements.txt").is_file();
        if needs && !directory.join("site-packages").is_dir() {
            assert!(
                std::env::var_os("LEASEHOLD_TEST_STRICT").is_none(),
                "{name}'s requirements are not installed"
            );
            eprintln!("skipped {name}: its requirements are not installed beside it");
            continue;
        }
        let input = fs::read(directory.join("sample/input")).unwrap();
        let sent = fs::read_to_string(directory.join("sample/headers")).unwrap_or_default();
        for round in 0..2 {
            let reply = host.request(
                "POST",
                &format!("/function/{name}"),
                &headers(&sent),
                &input,
            );
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            assert_eq!(reply.outcome(), Some("Replied"), "{name}");
            assert!(
                reply.body == expected,
                "{name}, call {round}: {}",
                reply.text()
            );
        }
        tried += 1;
    }
    assert!(tried >= 6, "only {tried} examples have samples");
    assert!(host.stop().success());
}
