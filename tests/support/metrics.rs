//! What a host says of itself at its admin port.

use std::collections::BTreeMap;

use super::{Host, Reply};

/// Asks the admin port.
pub fn ask(host: &Host, method: &str, path: &str, accept: &str) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", host.admin))
        .header("accept", accept);
    let mut response = agent.run(request.body(()).unwrap()).unwrap();
    let headers = response.headers().iter().map(|(name, value)| {
        let value = value.to_str().unwrap();
        (name.as_str().to_owned(), value.to_owned())
    });
    Reply {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.body_mut().read_to_vec().unwrap(),
    }
}

/// All series and their values.
pub fn scrape(host: &Host) -> BTreeMap<String, f64> {
    let text = ask(host, "GET", "/metrics", "*/*").text();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let value = value.parse().unwrap();
            (series.to_owned(), value)
        })
        .collect()
}

/// The series of a function's calls with this outcome.
pub fn calls(function: &str, outcome: &str) -> String {
    format!("leasehold_calls_total{{function=\"{function}\",outcome=\"{outcome}\"}}")
}

/// A series that has the function as its only label.
pub fn of(name: &str, function: &str) -> String {
    format!("leasehold_{name}{{function=\"{function}\"}}")
}

/// The calls that have ended, by function and outcome; those series only that have any.
pub fn ended(series: &BTreeMap<String, f64>) -> BTreeMap<&str, f64> {
    series
        .iter()
        .filter(|(name, value)| name.starts_with("leasehold_calls_total") && **value != 0.0)
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}
