//! The real binary, run with a clean environment in a directory of its own.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, Once, mpsc};
use std::time::Duration;
use std::{env, fmt, fs, thread};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::helper;

/// The longest story, a 300 MB response in a debug build, takes a fraction of this.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A run of the program that has not begun.
pub(crate) struct Program {
    executable: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    home: TempDir,
    directory: Option<PathBuf>,
    timeout: Duration,
}

impl Program {
    /// The program with its arguments, in an empty directory and an environment of PATH and HOME.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        Self::of(env!("CARGO_BIN_EXE_onelogin-sync"), arguments)
    }

    /// Another executable, for the tests of the kit itself.
    pub(crate) fn of(executable: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            executable: executable.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: Vec::new(),
            home: TempDir::new().expect("a temporary directory can be created"),
            directory: None,
            timeout: TIMEOUT,
        }
    }

    /// Adds an argument.
    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs it where files may have this many blocks: of 512 bytes in some shells, of 1,024 in others.
    pub(crate) fn with_file_limit(mut self, blocks: u32) -> Self {
        let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let executable = std::mem::replace(&mut self.executable, "sh".into());
        let shell = ["-c".into(), script.into(), executable.into_os_string()];
        self.arguments.splice(0..0, shell);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), value.into()));
        self
    }

    /// Runs in a directory that outlives the run, for what one run leaves to the next.
    pub(crate) fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Runs in a directory that goes with the program.
    pub(crate) fn at_home_in(mut self, directory: TempDir) -> Self {
        self.directory = Some(directory.path().into());
        self.home = directory;
        self
    }

    /// Limits every wait for the program, instead of 120 s.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs the program to its end.
    pub(crate) fn run(self) -> Finished {
        self.start().wait()
    }

    /// Runs the program to its end and returns the most memory it held, in bytes.
    ///
    /// Linux counts in a child's peak that of the process which started it, and these tests may have
    /// held more than the program ever does. So a fresh, small process starts it.
    pub(crate) fn run_measured(self) -> (Finished, u64) {
        let peak = self.home.path().join("peak");
        let mut command = helper::command("support::program::measure");
        command.arg("--").arg(&self.executable).args(&self.arguments);
        command.process_group(0); // a kill then reaches the program that the helper started, too
        let mut running = self.env(helper::JOB, &peak).spawn(command);
        running.target = Pid::from_raw(-running.target.as_raw());
        let mut finished = running.wait();
        let begin = finished.stdout.find(helper::BEGIN).expect("the helper begins");
        finished.stdout.drain(..begin + helper::BEGIN.len());
        // On a slow machine the test harness prints a line about it.
        let of_harness = |line: &&str| line.contains("has been running for over");
        let lines = finished.stdout.split_inclusive('\n').filter(|line| !of_harness(line));
        finished.stdout = lines.collect();
        let peak = fs::read_to_string(&peak).expect("the helper writes down the peak");
        (finished, peak.parse().expect("the peak is a number"))
    }

    /// Starts the program.
    pub(crate) fn start(self) -> Running {
        let mut command = Command::new(&self.executable);
        command.args(&self.arguments);
        self.spawn(command)
    }

    fn spawn(self, mut command: Command) -> Running {
        let directory = self.directory.unwrap_or_else(|| self.home.path().join("work"));
        fs::create_dir_all(&directory).expect("the working directory can be created");
        let kept = ["PATH", "HOME"].into_iter().filter_map(|key| Some((key, env::var_os(key)?)));
        command.env_clear().envs(kept).envs(self.environment).current_dir(&directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        reset_interrupt();
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("could not run {}: {error}", self.executable.display());
        });
        let output = Arc::new(Output::default());
        output.collect(child.stdout.take(), |text| &mut text.stdout);
        output.collect(child.stderr.take(), |text| &mut text.stderr);
        let pid = child.id().try_into().expect("a process id fits");
        let target = Pid::from_raw(pid);
        Running { child, target, output, timeout: self.timeout, directory, home: Some(self.home) }
    }
}

/// Makes SIGINT end what is spawned from now on, also where these tests run in the background.
///
/// A shell without job control starts a background command with SIGINT ignored, and programs inherit
/// that. They do not inherit a handler, so this process takes one, which ends it as the default would.
fn reset_interrupt() {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        let (installed, wait) = mpsc::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a tokio runtime starts").block_on(async {
                let interrupts = signal(SignalKind::interrupt());
                installed.send(()).expect("the other thread waits");
                interrupts.expect("a handler can be installed").recv().await;
                process::exit(130);
            });
        });
        wait.recv().expect("the thread sends");
    });
}

/// A running program. It is killed when the value is dropped.
pub(crate) struct Running {
    child: Child,
    /// The target of signals: the process, or its group as a negative number. Valid until the child is
    /// waited for, which only `wait` and `drop` do, last.
    target: Pid,
    output: Arc<Output>,
    timeout: Duration,
    directory: PathBuf,
    home: Option<TempDir>,
}

impl Running {
    /// Waits until standard output or standard error has `text` in it.
    pub(crate) fn wait_for_output(&self, text: &str) {
        let found = |seen: &Printed| [&seen.stdout, &seen.stderr].iter().any(|s| contains(s, text));
        let seen = self
            .wait_until(&format!("printing {text:?}"), |seen| found(seen) || seen.ended == STREAMS);
        assert!(found(&seen), "the program ended without printing {text:?}:\n{seen}");
    }

    /// The standard output so far.
    pub(crate) fn stdout(&self) -> String {
        let text = self.output.text.lock().expect("no reader panics");
        String::from_utf8_lossy(&text.stdout).into_owned()
    }

    /// SIGKILL: the program gets no chance to tidy up.
    pub(crate) fn kill9(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// SIGTERM, as a scheduler or a container engine sends it.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// SIGINT, as Ctrl-C sends it.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// SIGSTOP: the program does nothing more, as on a machine that is suspended.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Waits for the end of the program.
    pub(crate) fn wait(mut self) -> Finished {
        // Both streams end with the process, which leaves the exit status to collect.
        let text = self.wait_until("ending", |seen| seen.ended == STREAMS);
        let status = self.child.wait().expect("a child can be waited for");
        Finished {
            code: status.code(),
            stdout: String::from_utf8(text.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(text.stderr).expect("standard error is UTF-8"),
            directory: self.directory.clone(),
            _home: self.home.take(),
        }
    }

    fn signal(&self, signal: Signal) {
        // A program that has just ended by itself is no error here: its exit code is checked.
        let _ = kill(self.target, signal);
    }

    fn wait_until(&self, what: &str, reached: impl Fn(&Printed) -> bool) -> Printed {
        let text = self.output.text.lock().expect("no reader panics");
        let (text, wait) = self
            .output
            .changed
            .wait_timeout_while(text, self.timeout, |text| !reached(text))
            .expect("no reader panics");
        let seen = text.clone();
        drop(text); // or the readers would wait for this thread, and it for them
        assert!(!wait.timed_out(), "after {:?} the program is not {what}:\n{seen}", self.timeout);
        seen
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `wait` the process id may be another's; only a child that was not collected is ours.
        if let Ok(None) = self.child.try_wait() {
            self.kill9();
            let _ = self.child.wait();
        }
    }
}

/// A program that has ended.
pub(crate) struct Finished {
    /// The exit code. None if a signal ended the program.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The directory it ran in.
    pub(crate) directory: PathBuf,
    _home: Option<TempDir>,
}

impl Finished {
    /// Asserts the exit code, and shows the output when it is another.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; {self}");
        self
    }

    /// The outcome of a run with `--format json`: standard output must be one line of JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.stdout.lines().count(), 1, "lines of standard output; {self}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}; {self}"))
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
    }
}

/// Standard output and standard error.
const STREAMS: usize = 2;

/// The output of a program so far, and a way to wait for more.
#[derive(Default)]
struct Output {
    text: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Clone, Default)]
struct Printed {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The number of streams that have ended.
    ended: usize,
}

impl Output {
    fn collect(
        self: &Arc<Self>,
        stream: Option<impl Read + Send + 'static>,
        of: fn(&mut Printed) -> &mut Vec<u8>,
    ) {
        let mut stream = stream.expect("the stream is piped");
        let output = Arc::clone(self);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            // Ends with the program, whose end is what closes the pipe.
            loop {
                let read = stream.read(&mut buffer).unwrap_or(0);
                let mut text = output.text.lock().expect("no reader panics");
                of(&mut text).extend_from_slice(&buffer[..read]);
                text.ended += usize::from(read == 0);
                output.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stdout, stderr] = [&self.stdout, &self.stderr].map(|s| String::from_utf8_lossy(s));
        write!(f, "stdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

fn contains(output: &[u8], text: &str) -> bool {
    memchr::memmem::find(output, text.as_bytes()).is_some()
}

/// Helper: runs the program given after `--`, and writes its peak memory in bytes to the file that
/// is the job.
#[test]
fn measure() {
    let Some(peak_file) = helper::job() else { return };
    let mut arguments = env::args_os().skip_while(|argument| argument != "--").skip(1);
    let mut command = Command::new(arguments.next().expect("a program to run"));
    command.args(arguments).env_remove(helper::JOB);
    print!("{}", helper::BEGIN);
    io::stdout().flush().expect("standard output is open");
    let status = command.status().expect("the program can be run");
    // The one child that was waited for. Linux gives KiB, macOS bytes.
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage can be read").max_rss();
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    fs::write(peak_file, (peak * unit).to_string()).expect("the peak can be written");
    process::exit(status.code().expect("the program was not killed"));
}
