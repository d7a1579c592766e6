//! The page of published tables: one section per benchmark, between two comments.

use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

/// Puts `text` into the section `name` of `page`.
pub(crate) fn replace(page: &Path, name: &str, text: &str) -> Result<()> {
    let old = fs::read_to_string(page)?;
    let new = with_section(&old, name, text).with_context(|| {
        format!(
            "{} has no section between `{}` and `{}`",
            page.display(),
            begin(name),
            end(name)
        )
    })?;
    Ok(fs::write(page, new)?)
}

fn begin(name: &str) -> String {
    format!("<!-- bench {name}: written by `cargo xtask bench {name} --write` -->\n")
}

fn end(name: &str) -> String {
    format!("<!-- end of bench {name} -->\n")
}

fn with_section(page: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&begin(name))?;
    let (_, after) = rest.split_once(&end(name))?;
    Some(format!(
        "{before}{}{}\n{}{after}",
        begin(name),
        text.trim_end(),
        end(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_nothing_else() {
        let page = format!("one\n{}old\n{}two\n", begin("x"), end("x"));
        let new = with_section(&page, "x", "new\n").unwrap();
        assert_eq!(new, page.replace("old", "new"));
        assert_eq!(with_section(&page, "y", "new"), None);
    }
}
