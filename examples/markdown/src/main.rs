//! Renders the Markdown on standard input as HTML on standard output.
#![forbid(unsafe_code)]

use std::io::{self, Read};

use pulldown_cmark::{Options, Parser, html};

fn main() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    html::write_html_io(io::stdout().lock(), Parser::new_ext(&text, options))
}
