//! Drawing in a terminal: colours, boxes, tables, a progress line, questions.

use std::future::Future;
use std::io::{BufRead as _, IsTerminal, Write as _};
use std::time::Duration;

use billfold::Color;
use billfold::model::display::plain_text;
use tokio::sync::mpsc;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Writes to standard error. If nobody reads it any more, the work goes on all the same.
pub(crate) fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// How wide a card is drawn.
pub(crate) const WIDTH: usize = 78;

/// Whether and how to colour what goes to one stream.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Colours only on a terminal that wants them.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { colour: stream.is_terminal() && set("NO_COLOR").is_none() && !dumb }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A text that was painted elsewhere, without its colours if there are to be none.
    pub(crate) fn fit(self, painted: &str) -> String {
        if self.colour {
            return painted.to_owned();
        }
        let mut plain = String::with_capacity(painted.len());
        for (index, part) in painted.split('\u{1b}').enumerate() {
            // What follows an escape is `[`, parameters, and one letter.
            let text = if index == 0 {
                part
            } else {
                part.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, text)| text)
            };
            plain.push_str(text);
        }
        plain
    }

    /// A text in an issuer's colours: as they are where the terminal says that it has them all, otherwise the
    /// nearest of a set that nearly every terminal has.
    pub(crate) fn on(self, ground: Color, text: Color, what: &str) -> String {
        let all = std::env::var("COLORTERM").is_ok_and(|value| matches!(value.as_str(), "truecolor" | "24bit"));
        let code = |layer: u8, Color { red, green, blue, .. }: Color| {
            if all {
                format!("{layer};2;{red};{green};{blue}")
            } else {
                let step = |part: u8| (u16::from(part) * 5 + 127) / 255;
                format!("{layer};5;{}", 16 + 36 * step(red) + 6 * step(green) + step(blue))
            }
        };
        let ground = ground.over(Color::WHITE);
        self.paint(&format!("{};{}", code(38, text.over(ground)), code(48, ground)), what)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn doubtful(self, text: &str) -> String {
        self.paint("33", text)
    }
}

/// The text filled up with blanks to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The text in lines of at most `width` columns, broken at blanks where there are any. What comes
/// from outside is made harmless on the way.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in plain_text(text).split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Rows of two columns, aligned, the second one wrapped.
pub(crate) fn table(rows: &[(String, String)], width: usize) -> Vec<(String, String)> {
    let widest = rows.iter().map(|(label, _)| plain_text(label).width()).max().unwrap_or(0).min(width / 3);
    let mut lines = Vec::new();
    for (label, value) in rows {
        let labels = wrap(label, widest.max(1));
        let values = wrap(value, width.saturating_sub(widest + 2).max(10));
        for index in 0..labels.len().max(values.len()) {
            let label = labels.get(index).map_or("", String::as_str);
            lines.push((pad(label, widest), values.get(index).cloned().unwrap_or_default()));
        }
    }
    lines
}

/// Shows on standard error that something goes on, for as long as it does.
///
/// Only on a terminal, and only if it takes longer than a moment.
pub(crate) async fn progress<F: Future>(wanted: bool, what: &str, work: F) -> F::Output {
    const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let mut work = std::pin::pin!(work);
    if !wanted {
        return work.await;
    }
    if let Ok(done) = tokio::time::timeout(Duration::from_millis(250), &mut work).await {
        return done;
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut frames = FRAMES.iter().cycle();
    loop {
        tokio::select! {
            done = &mut work => {
                tell("\r\u{1b}[2K");
                return done;
            }
            _ = ticks.tick() => {
                tell(&format!("\r\u{1b}[2K{} {what}…", frames.next().expect("a cycle does not end")));
            }
        }
    }
}

/// Lines from standard input.
///
/// They are read in a thread of their own: a line may be waited for together with other things,
/// and a line that nobody types must not keep the program alive.
#[derive(Default)]
pub(crate) struct Input {
    lines: Option<mpsc::UnboundedReceiver<String>>,
}

impl Input {
    /// The next line without blanks around it; nothing when the input has ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let lines = self.lines.get_or_insert_with(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                    if sender.send(line.trim().to_owned()).is_err() {
                        break;
                    }
                }
            });
            receiver
        });
        lines.recv().await
    }

    /// The next line that is not empty.
    pub(crate) async fn word(&mut self) -> Option<String> {
        loop {
            match self.line().await {
                Some(line) if line.is_empty() => {}
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_inside_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("日本語 x", 4), ["日本", "語 x"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("a\u{1b}[31mb\u{202e}c", 20), ["a[31mbc"]);
    }

    #[test]
    fn tables_align() {
        let rows = [("Name", "Erika"), ("Date of birth", "1964-08-12")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let lines = table(&rows, 60);
        assert_eq!(lines[0].0.width(), lines[1].0.width());
        assert_eq!(lines[1], ("Date of birth".to_owned(), "1964-08-12".to_owned()));
    }

    #[test]
    fn a_plain_stream_gets_no_colour() {
        let file = tempfile::tempfile().expect("a file");
        let style = Style::of(&file);
        assert_eq!(style.bad("no"), "no");
        assert_eq!(style.fit("\u{1b}[38;5;16m▀ ▄\u{1b}[0m\n"), "▀ ▄\n");
        assert_eq!(Style { colour: true }.fit(&Style { colour: true }.bad("no")), "\u{1b}[31mno\u{1b}[0m");
    }
}
