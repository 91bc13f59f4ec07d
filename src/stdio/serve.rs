//! Driving a served node: a real clock, a thread that reads, and lines that go out as soon as they are there.
//!
//! It knows nothing of what is in a line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use super::{Aside, LONGEST_LINE, Stdio};
use crate::node::Node;
use crate::time::Time;

/// So many lines wait between the reading thread and the node at most.
const MOST_UNREAD: usize = 32;

/// What the reading thread hands over.
enum Heard {
    Line(Vec<u8>),
    TooLong,
    Failed(io::Error),
}

/// Serves a node, and what is answered beside it, until `input` ends or `output` is closed, both of which end it well.
///
/// # Errors
/// When reading or writing fails for another reason.
pub fn serve<N: Node>(
    aside: impl Aside,
    config: N::Config,
    seed: u64,
    input: impl Read + Send + 'static,
    mut output: impl Write,
    mut log: impl Write,
) -> io::Result<()> {
    let (sender, heard) = sync_channel(MOST_UNREAD);
    #[expect(
        clippy::disallowed_methods,
        reason = "a host may read in a thread of its own; the node has but one"
    )]
    std::thread::spawn(move || listen(input, &sender));
    #[expect(clippy::disallowed_methods, reason = "this host's time is the real one")]
    let began = Instant::now();
    let mut host = Stdio::<N, _>::beside(aside, config, seed);
    loop {
        let now = || Time::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        let wait = host.next_timer().map(|due| Duration::from_nanos(due.since(now()).as_nanos()));
        let open = match next(&heard, wait) {
            Next::Heard(Heard::Line(line)) => {
                host.line(&line, now());
                true
            }
            Next::Heard(Heard::TooLong) => {
                host.too_long();
                true
            }
            Next::Heard(Heard::Failed(error)) => return Err(error),
            Next::Timer => true,
            Next::End => false,
        };
        host.fire(now());
        let out = host.take_output();
        for line in &out.log {
            // Nobody can be told that stderr is gone.
            _ = writeln!(log, "rumormill: {line}");
        }
        match output.write_all(&out.lines).and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
            Ok(()) if !open => return Ok(()),
            Ok(()) => {}
        }
    }
}

enum Next {
    Heard(Heard),
    Timer,
    End,
}

fn next(heard: &Receiver<Heard>, wait: Option<Duration>) -> Next {
    match heard.try_recv() {
        Ok(heard) => return Next::Heard(heard),
        Err(TryRecvError::Disconnected) => return Next::End,
        Err(TryRecvError::Empty) => {}
    }
    match wait {
        None => heard.recv().map_or(Next::End, Next::Heard),
        Some(wait) => match heard.recv_timeout(wait) {
            Ok(heard) => Next::Heard(heard),
            Err(RecvTimeoutError::Timeout) => Next::Timer,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        },
    }
}

/// Reads lines until the input ends or nobody wants them any more.
fn listen(input: impl Read, heard: &SyncSender<Heard>) {
    let mut input = BufReader::with_capacity(1 << 16, input);
    loop {
        let mut line = Vec::new();
        let next = match input.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) if line.len() > LONGEST_LINE && !line.ends_with(b"\n") => match input.skip_until(b'\n') {
                Ok(_) => Heard::TooLong,
                Err(error) => Heard::Failed(error),
            },
            Ok(_) => Heard::Line(line),
            Err(error) => Heard::Failed(error),
        };
        let failed = matches!(next, Heard::Failed(_));
        if heard.send(next).is_err() || failed {
            return;
        }
    }
}
