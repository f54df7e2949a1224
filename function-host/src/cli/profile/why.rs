//! `leasehold profile why`: may it be done, and which line says so?

use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::policy::provenance::Grantor;
use leasehold_sandbox::policy::question::{Answer, Question, Verdict};
use serde::Serialize;

use super::explain::By;
use super::subject::{Subject, Whose};
use super::{ProfileError, print_json};

#[derive(Debug, Args)]
pub(super) struct Why {
    /// A profile's name or a file NAME.yaml, which --function lets you leave out; then questions:
    /// read:PATH, write:PATH, run:PATH, connect:PORT, listen:PORT, syscall:NAME, syscall:NAME(1,0x2)
    #[arg(required = true, value_name = "PROFILE QUESTION")]
    words: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    question: &'a str,
    verdict: String,
    because: &'a str,
    by: Vec<By<'a>>,
    remedy: Option<&'a str>,
}

impl Why {
    /// Exit code 0 if all that was asked for is allowed.
    pub(super) async fn run(self) -> Result<ExitCode, ProfileError> {
        // A question has a colon, and neither the name of a profile nor a sane file has.
        let (profile, questions) = match self.words.split_first() {
            Some((first, rest)) if !first.contains(':') => (Some(first.as_str()), rest),
            _ => (None, self.words.as_slice()),
        };
        if questions.is_empty() {
            return Err(ProfileError::NoQuestion);
        }
        let asked: Vec<Question> = questions
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()?;
        let subject = self.whose.resolve(profile).await?;
        let answers: Vec<Answer> = asked
            .iter()
            .map(|question| subject.explanation.ask(question))
            .collect::<Result<_, _>>()?;
        let reports: Vec<Report<'_>> = questions
            .iter()
            .zip(&answers)
            .map(|(question, answer)| Report::of(question, answer))
            .collect();
        if self.json {
            print_json(&reports);
        } else {
            let pairs = reports.iter().zip(&answers);
            pairs.for_each(|(report, answer)| report.print(answer, &subject));
        }
        let allowed = |answer: &Answer| answer.verdict == Verdict::Allowed;
        Ok(match answers.iter().all(allowed) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

impl<'a> Report<'a> {
    fn of(question: &'a str, answer: &'a Answer) -> Self {
        Self {
            question,
            verdict: answer.verdict.to_string(),
            because: &answer.because,
            by: answer.by.iter().map(By::of).collect(),
            remedy: answer.remedy.as_deref(),
        }
    }

    fn print(&self, answer: &Answer, subject: &Subject) {
        println!("{}: {}", self.question, self.verdict);
        println!("  {}", self.because);
        for by in &answer.by {
            match by {
                Grantor::Profile { origin, why } => {
                    let why = why.as_deref().unwrap_or("(no reason given)");
                    println!("  {origin}: {why}");
                    if let Some(line) = subject.source.line(origin) {
                        println!("  {:>5} | {line}", origin.line);
                    }
                }
                Grantor::Leasehold { .. } => println!("  {by}"),
            }
        }
        if let Some(remedy) = self.remedy {
            println!("  to allow it: {remedy}");
        }
    }
}
