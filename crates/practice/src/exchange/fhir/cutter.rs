//! Cutting JSON values out of a stream of bytes without understanding them: what is not wanted passes
//! by unheld, so that a file of any size takes the memory of its largest value that is.

use std::io::{self, BufRead};

/// Why no more can be cut.
#[derive(Debug)]
pub(super) enum Stop {
    /// The bytes cannot be read.
    Io(io::Error),
    /// They end before the JSON does.
    Short,
    /// They are not JSON.
    Shape,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A value that was cut out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its bytes.
    Whole(Vec<u8>),
    /// It was longer than wanted, and is behind us.
    TooLong,
}

/// What follows in an object or a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A value.
    Value,
    /// Nothing.
    End,
}

pub(super) struct Cutter<R> {
    input: R,
    taken: u64,
}

impl<R: BufRead> Cutter<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, taken: 0 }
    }

    /// How many bytes are behind us.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.taken = self.taken.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// The next byte that is no white space, still to be taken.
    fn significant(&mut self) -> Result<Option<u8>, Stop> {
        while let Some(byte) = self.peek()? {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(Some(byte));
            }
            self.consume(1);
        }
        Ok(None)
    }

    /// Passes over a byte order mark.
    pub(super) fn mark(&mut self) -> Result<(), Stop> {
        for byte in [0xEF, 0xBB, 0xBF] {
            if self.peek()? != Some(byte) {
                break;
            }
            self.consume(1);
        }
        Ok(())
    }

    /// Takes this very byte.
    pub(super) fn take(&mut self, wanted: u8) -> Result<(), Stop> {
        match self.significant()? {
            Some(byte) if byte == wanted => {
                self.consume(1);
                Ok(())
            }
            Some(_) => Err(Stop::Shape),
            None => Err(Stop::Short),
        }
    }

    /// Whether this byte comes next.
    pub(super) fn comes(&mut self, wanted: u8) -> Result<bool, Stop> {
        Ok(self.significant()? == Some(wanted))
    }

    /// Goes to the next member of an object or list that `close` ends. `first` before its first.
    pub(super) fn member(&mut self, close: u8, first: bool) -> Result<Next, Stop> {
        match self.significant()? {
            None => Err(Stop::Short),
            Some(byte) if byte == close => {
                self.consume(1);
                Ok(Next::End)
            }
            Some(b',') if !first => {
                self.consume(1);
                // A comma before the end is not JSON.
                if self.significant()? == Some(close) { Err(Stop::Shape) } else { Ok(Next::Value) }
            }
            Some(_) if first => Ok(Next::Value),
            Some(_) => Err(Stop::Shape),
        }
    }

    /// The name of an object's member, with its colon. One that is longer than any of ours is empty.
    pub(super) fn name(&mut self) -> Result<String, Stop> {
        if !self.comes(b'"')? {
            return Err(if self.significant()?.is_none() { Stop::Short } else { Stop::Shape });
        }
        let cut = self.value(64)?;
        self.take(b':')?;
        Ok(match cut {
            Cut::Whole(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Cut::TooLong => String::new(),
        })
    }

    /// That nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        if self.significant()?.is_none() { Ok(()) } else { Err(Stop::Shape) }
    }

    /// Passes over a value.
    pub(super) fn pass(&mut self) -> Result<(), Stop> {
        self.value(0).map(drop)
    }

    /// Cuts a value out, byte for byte, if it has at most so many bytes.
    pub(super) fn value(&mut self, bytes_max: usize) -> Result<Cut, Stop> {
        let first = self.significant()?.ok_or(Stop::Short)?;
        if matches!(first, b',' | b':' | b']' | b'}') {
            return Err(Stop::Shape);
        }
        let mut state = State { plain: !matches!(first, b'{' | b'[' | b'"'), ..State::default() };
        let mut held = Some(Vec::new());
        loop {
            let (used, done) = {
                let chunk = self.input.fill_buf()?;
                if chunk.is_empty() {
                    // A number may end with the file; whether one may stand there is for others to say.
                    if state.plain {
                        break;
                    }
                    return Err(Stop::Short);
                }
                let mut used = 0;
                let mut done = false;
                for byte in chunk {
                    match state.step(*byte) {
                        Step::Inside => used += 1,
                        Step::Last => {
                            used += 1;
                            done = true;
                        }
                        Step::Behind => done = true,
                    }
                    if done {
                        break;
                    }
                }
                let fits = held.as_ref().is_some_and(|bytes| bytes.len() + used <= bytes_max);
                if let (true, Some(bytes)) = (fits, held.as_mut()) {
                    bytes.extend_from_slice(chunk.get(..used).unwrap_or_default());
                } else {
                    held = None;
                }
                (used, done)
            };
            self.consume(used);
            if done {
                break;
            }
        }
        Ok(held.map_or(Cut::TooLong, Cut::Whole))
    }
}

/// Where in a value we are. Brackets are counted, not matched: what is kept is parsed strictly after.
#[derive(Default)]
struct State {
    depth: u64,
    text: bool,
    escaped: bool,
    /// A number, true, false or null.
    plain: bool,
}

enum Step {
    Inside,
    /// The value ends with this byte.
    Last,
    /// The value ended before this byte.
    Behind,
}

impl State {
    fn step(&mut self, byte: u8) -> Step {
        if self.plain {
            let over = matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
            return if over { Step::Behind } else { Step::Inside };
        }
        if self.text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.text = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.text = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        if self.depth == 0 && !self.text { Step::Last } else { Step::Inside }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read as _};

    use super::*;

    fn cut(text: &str, bytes_max: usize) -> (Option<String>, String) {
        let mut cutter = Cutter::new(BufReader::with_capacity(3, text.as_bytes()));
        let cut = match cutter.value(bytes_max).unwrap() {
            Cut::Whole(bytes) => Some(String::from_utf8(bytes).unwrap()),
            Cut::TooLong => None,
        };
        let mut rest = String::new();
        cutter.input.read_to_string(&mut rest).unwrap();
        (cut, rest)
    }

    #[test]
    fn a_value_is_cut_out_byte_for_byte() {
        for value in [r#"{"a":[1,"}]\"",{}] }"#, r#""a\\""#, "[]", "-1.50", "null", r#"{"é":"\u007d"}"#] {
            let (cut, rest) = cut(&format!("  {value},\"next\""), 1_000);
            assert_eq!((cut.as_deref(), rest.as_str()), (Some(value), ",\"next\""));
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_passed_over() {
        assert_eq!(cut(r#"{"a":"0123456789"} ,2"#, 18), (Some(r#"{"a":"0123456789"}"#.to_owned()), " ,2".to_owned()));
        assert_eq!(cut(r#"{"a":"0123456789"} ,2"#, 17), (None, " ,2".to_owned()));
    }

    #[test]
    fn what_is_cut_short_or_no_json_is_told_apart() {
        let short = |text: &str| Cutter::new(text.as_bytes()).value(100);
        assert!(matches!(short(r#"{"a":"#), Err(Stop::Short)));
        assert!(matches!(short(r#""a"#), Err(Stop::Short)));
        assert!(matches!(short(""), Err(Stop::Short)));
        assert!(matches!(short(",1"), Err(Stop::Shape)));
    }
}
