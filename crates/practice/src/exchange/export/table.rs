//! Tables for a spreadsheet (CSV, RFC 4180, UTF-8 with a byte order mark). A cell that a spreadsheet would take
//! for a formula begins with an apostrophe, telephone numbers that begin with a plus among them: the exact values
//! stand in the FHIR files.

/// What makes a spreadsheet take UTF-8 for what it is.
const MARK: &str = "\u{feff}";

/// A table that is being written.
pub(super) struct Table {
    text: String,
    rows: u64,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut table = Self { text: MARK.to_owned(), rows: 0 };
        table.line(columns);
        table
    }

    pub(super) fn row(&mut self, cells: &[&str]) {
        self.line(cells);
        self.rows += 1;
    }

    fn line(&mut self, cells: &[&str]) {
        for (at, text) in cells.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            cell(text, &mut self.text);
        }
        self.text.push_str("\r\n");
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

fn cell(text: &str, to: &mut String) {
    // Blanks before it keep no spreadsheet from reading a formula.
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '|', '%']) || text.starts_with(['\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', ';', '"', '\r', '\n', '\t']) {
        to.push('"');
        to.push_str(&text.replace('"', "\"\""));
        to.push('"');
    } else {
        to.push_str(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_begins_with_an_apostrophe() {
        for text in ["=1+1", "+27 82 555 0123", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"] {
            let mut cell_text = String::new();
            cell(text, &mut cell_text);
            assert!(cell_text.trim_start_matches('"').starts_with('\''), "{text:?} became {cell_text:?}");
        }
    }

    #[test]
    fn marks_and_ends_of_lines_stay_within_their_cell() {
        let mut table = Table::new(&["a", "b"]);
        table.row(&["one, \"two\"", "three\r\nfour"]);
        assert_eq!(
            String::from_utf8(table.into_bytes()).unwrap(),
            "\u{feff}a,b\r\n\"one, \"\"two\"\"\",\"three\r\nfour\"\r\n"
        );
    }
}
