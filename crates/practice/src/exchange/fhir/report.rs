//! What an import does, or would do: counted by type, listed by line. Holds no values, so that it
//! can be printed, stored and sent.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Reject;
use super::types::is_resource_type;

/// How many findings a report holds; beyond that it counts them only.
pub const FINDINGS_MAX: usize = 10_000;

crate::patients::model::codes! {
    /// What happens to a line.
    Outcome {
        Add = "add",
        Match = "match",
        Skip = "skip",
        Keep = "keep",
        Warn = "warn",
        Reject = "reject",
    }
}

/// One thing to say of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What happens.
    pub outcome: Outcome,
    /// The file's name.
    pub file: String,
    /// The line's number, from 1.
    pub line: u64,
    /// The resource's type; empty where it could not be read.
    pub resource_type: String,
    /// Where in the resource; empty where it is about the whole.
    pub field: String,
    /// Why; empty where there is nothing to add.
    pub reason: String,
}

impl Finding {
    /// A finding about something that is wrong. Where the type is not given, it is that of the
    /// field's path, if the path begins with one.
    #[must_use]
    pub fn of(outcome: Outcome, file: &str, line: u64, resource_type: &str, problem: &Reject) -> Self {
        let (field, reason) = (problem.field.clone(), problem.reason.clone().into_owned());
        let root = field.split(['.', '[']).next().filter(|root| is_resource_type(root));
        let resource_type = if resource_type.is_empty() { root.unwrap_or_default() } else { resource_type };
        Self { outcome, file: file.to_owned(), line, resource_type: resource_type.to_owned(), field, reason }
    }

    /// A finding about a whole resource.
    #[must_use]
    pub fn plain(outcome: Outcome, file: &str, line: u64, resource_type: &str, reason: &str) -> Self {
        let (file, resource_type, reason) = (file.to_owned(), resource_type.to_owned(), reason.to_owned());
        Self { outcome, file, line, resource_type, field: String::new(), reason }
    }
}

impl fmt::Display for Finding {
    /// `Patient.000.ndjson:12: reject: Patient.birthDate lies in the future`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}:", self.file, self.line, self.outcome.code())?;
        let about = if self.field.is_empty() { &self.resource_type } else { &self.field };
        for part in [about, &self.reason] {
            if !part.is_empty() {
                write!(f, " {part}")?;
            }
        }
        Ok(())
    }
}

/// How many lines of one type came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// New here.
    pub add: u64,
    /// Known here, and changed at the source.
    #[serde(rename = "match")]
    pub matched: u64,
    /// Known here, and the same.
    pub skip: u64,
    /// Kept sealed as it came.
    pub keep: u64,
    /// Things taken as they are although they look wrong (a line may have several).
    pub warn: u64,
    /// Not taken.
    pub reject: u64,
}

/// What an import does, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// By resource type; lines that could not be read that far are under "unreadable".
    pub counts: BTreeMap<String, Counts>,
    /// The findings that say why: everything but plain adds, keeps and skips.
    pub findings: Vec<Finding>,
    /// How many such findings more there were than are held.
    pub more: u64,
}

impl Report {
    /// Counts a finding and, where it says something, holds it.
    pub fn note(&mut self, finding: Finding) {
        let name = if finding.resource_type.is_empty() { "unreadable" } else { &finding.resource_type };
        let counts = self.counts.entry(name.to_owned()).or_default();
        let count = match finding.outcome {
            Outcome::Add => &mut counts.add,
            Outcome::Match => &mut counts.matched,
            Outcome::Skip => &mut counts.skip,
            Outcome::Keep => &mut counts.keep,
            Outcome::Warn => &mut counts.warn,
            Outcome::Reject => &mut counts.reject,
        };
        *count += 1;
        let silent = finding.reason.is_empty() && finding.outcome != Outcome::Match;
        if silent {
            return;
        }
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// Puts the findings in the order of files and lines: files are read side by side.
    pub(in crate::exchange) fn in_order(&mut self) {
        self.findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }

    /// The findings as a table (CSV), for a spreadsheet. A cell that one would take for a formula begins with
    /// an apostrophe, which a spreadsheet shows as text: names of files and columns come from elsewhere.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::from("outcome,file,line,type,field,reason\r\n");
        for finding in &self.findings {
            let Finding { outcome, file, line, resource_type, field, reason } = finding;
            let line = line.to_string();
            let cells = [outcome.code(), file, &line, resource_type, field, reason].map(cell);
            table.push_str(&cells.join(","));
            table.push_str("\r\n");
        }
        table
    }

    /// How many lines came to anything.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let Counts { add, matched, skip, keep, warn: _, reject } = self.total();
        add + matched + skip + keep + reject
    }

    /// The counts of all types together.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.counts.values().fold(Counts::default(), |sum, counts| Counts {
            add: sum.add + counts.add,
            matched: sum.matched + counts.matched,
            skip: sum.skip + counts.skip,
            keep: sum.keep + counts.keep,
            warn: sum.warn + counts.warn,
            reject: sum.reject + counts.reject,
        })
    }
}

/// One cell (RFC 4180).
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

impl fmt::Display for Report {
    /// A table of counts, then the findings, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.counts.keys().map(String::len).max().unwrap_or(0).max("total".len());
        writeln!(
            f,
            "{:width$} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "", "add", "match", "skip", "keep", "warn", "reject"
        )?;
        let total = ("total".to_owned(), self.total());
        for (name, counts) in self.counts.iter().chain([(&total.0, &total.1)]) {
            let Counts { add, matched, skip, keep, warn, reject } = counts;
            writeln!(f, "{name:width$} {add:>9} {matched:>9} {skip:>9} {keep:>9} {warn:>9} {reject:>9}")?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.more > 0 {
            writeln!(f, "… and {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_for_a_spreadsheet_holds_no_formulas() {
        let mut report = Report::default();
        for (file, reason) in [("=cmd|' /C calc'!A0.csv", "@sum(1,2) \"x\""), ("-1.csv", "+1"), ("\t=1.csv", "plain")] {
            report.note(Finding::plain(Outcome::Reject, file, 3, "", reason));
        }
        let expected = [
            "outcome,file,line,type,field,reason",
            "reject,'=cmd|' /C calc'!A0.csv,3,,,\"'@sum(1,2) \"\"x\"\"\"",
            "reject,'-1.csv,3,,,'+1",
            "reject,'\t=1.csv,3,,,plain",
            "",
        ];
        assert_eq!(report.table(), expected.join("\r\n"));
    }
}
