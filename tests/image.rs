//! Dockerfile and docker-compose.yml. `tests/image.sh` builds the images; this checks without an
//! engine what most easily breaks them.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The instructions of a stage of Dockerfile, after those of the stage that it is built from.
fn stage(dockerfile: &str, name: &str) -> Vec<String> {
    let joined = dockerfile.replace("\\\n", " ");
    let mut lines = joined.lines().skip_while(|line| !line.ends_with(&format!(" AS {name}")));
    let base = lines.next().and_then(|from| from.split(' ').nth(1)).expect("a stage with a base");
    let is_stage = joined.contains(&format!(" AS {base}\n"));
    let mut instructions = if is_stage { stage(dockerfile, base) } else { Vec::new() };
    let own = lines.take_while(|line| !line.starts_with("FROM ")).filter(|l| !l.starts_with('#'));
    instructions.extend(own.map(str::to_owned));
    instructions
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().expect("a folder"))?;
        return fs::copy(from, to).map(drop);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Regression: a benchmark that Cargo.toml named was not there, and the image could not be built.
#[test]
fn the_image_is_built_with_every_file_that_cargo_needs() {
    let (dockerfile, ignored) = (read("Dockerfile"), read(".dockerignore"));
    let sent: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for (name, has_simulator) in [("build", false), ("build-simulator", true)] {
        let directory = TempDir::new().expect("a temporary directory can be created");
        for line in stage(&dockerfile, name) {
            let Some(paths) = line.strip_prefix("COPY ") else { continue };
            let paths: Vec<&str> = paths.split_whitespace().collect();
            let (_, sources) = paths.split_last().expect("a destination");
            for source in sources {
                let is_sent = sent.iter().any(|path| Path::new(source).starts_with(path));
                assert!(is_sent, "{source} is not in .dockerignore");
                let copied = copy(&root().join(source), &directory.path().join(source));
                copied.unwrap_or_else(|error| panic!("{source}: {error}"));
            }
        }
        let metadata = Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(directory.path())
            .output()
            .expect("cargo runs");
        assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
        for file in ["src/main.rs", "src/lib.rs", "migrations", ".cargo/config.toml"] {
            assert!(directory.path().join(file).exists(), "{name}: {file}");
        }
        let simulator = directory.path().join("simulator/src/lib.rs");
        assert_eq!(simulator.exists(), has_simulator, "{name}");
    }
}

#[test]
fn the_image_of_the_job_is_the_last_stage_and_has_no_simulator() {
    let dockerfile = read("Dockerfile");
    let last = dockerfile.lines().rfind(|line| line.starts_with("FROM ")).expect("a stage");
    assert_eq!(last, "FROM scratch AS job");
    let build = stage(&dockerfile, "build").join("\n");
    assert!(build.contains(" --no-default-features "), "{build}");
}

#[test]
fn the_label_of_the_image_has_the_version_of_the_program() {
    let labels = stage(&read("Dockerfile"), "job");
    let label = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(labels.iter().any(|line| line.contains(&label)), "{label} in {labels:?}");
}

#[test]
fn compose_allows_plain_http_to_the_simulator_only_and_names_its_account() {
    let compose = read("docker-compose.yml");
    let service = |name: &str| {
        let lines = compose.lines().skip_while(|line| *line != format!("  {name}:")).skip(1);
        let own = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
        own.collect::<Vec<_>>().join("\n")
    };
    let (real, simulated) = (service("sync"), service("sync-simulated"));
    assert!(!real.contains("ALLOW_HTTP") && !real.contains("simulat"), "{real}");
    for line in ["ONELOGIN_ACCOUNT: simulated", "ONELOGIN_BASE_URL: http://simulator:8017"] {
        assert!(simulated.contains(line), "{line} in\n{simulated}");
    }
    // No variable of the shell changes what the simulated service is.
    assert!(!simulated.contains("${"), "{simulated}");
}
