//! `simulate`: the stand-in API as a server of its own.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use chrono::{DateTime, SubsecRound, Utc};
use clap::ValueEnum;
use secrecy::ExposeSecret;

use super::text::{self, say, time};
use super::{Failed, secret, stop};
use crate::exit::Exit;
use crate::simulator::{Bounds, Config, Fault, Ids, Order, Simulator, parse_faults};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The port; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8017)]
    port: u16,
    /// The address to listen on; 0.0.0.0 for every network of the machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Same seed, same history
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Failures in the days before the clock's start; they go on at this rate
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    failures: u64,
    /// People in the directory [default: one per 20 failures]
    #[arg(long, value_name = "N")]
    people: Option<u32>,
    /// Days of history
    #[arg(long, value_name = "N", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// Where the simulated clock begins [default: now]
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    now: Option<DateTime<Utc>>,
    /// Let the clock stand still; `curl -X POST '…/simulator/advance?seconds=3600'` moves it
    #[arg(long)]
    frozen: bool,
    /// One record in N appears ten minutes to six hours late; 0 for none
    #[arg(long, value_name = "N", default_value_t = 200)]
    late_records: u32,
    /// One record in N cannot be read; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    bad_records: u32,
    /// Give every record its app's id, so that ids repeat
    #[arg(long)]
    ids_of_apps: bool,
    /// Whether the two dates of a request are part of what it asks for
    #[arg(long, value_enum, default_value = "inclusive")]
    bounds: BoundsArg,
    /// The order of records
    #[arg(long, value_enum, default_value = "ascending")]
    order: OrderArg,
    /// Serve at most N records a request, and leave the rest out without a word
    #[arg(long, value_name = "N")]
    cap: Option<u64>,
    /// Compress for clients that accept it
    #[arg(long)]
    gzip: bool,
    /// Spoil the first requests, one fault each: 429:3s,500,503,401,html,cut,close,reset,stall,drip, …
    #[arg(long, value_name = "LIST", value_parser = faults)]
    faults: Option<Faults>,
}

/// A list of faults; a type of its own, or clap would take a `Vec` for repeated flags.
#[derive(Debug, Clone)]
struct Faults(Vec<Fault>);

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BoundsArg {
    Inclusive,
    HalfOpen,
    Exclusive,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OrderArg {
    Ascending,
    Descending,
    Shuffled,
}

pub(super) async fn run(args: Args) -> Result<(), Failed> {
    let stop = stop::listen()?;
    let addr = SocketAddr::new(args.host, args.port);
    let key = match secret::read("ONELOGIN_API_KEY") {
        Ok(key) => key.expose_secret().to_owned(),
        Err(_) => Config::default().key,
    };
    let simulator = Simulator::start(addr, config(&args, key))
        .with_context(|| format!("cannot listen on {addr}: is the port in use? --port 0 finds one"))
        .map_err(|error| Failed::new(Exit::Configuration, error))?;
    simulator.fail_next(args.faults.map_or(Vec::new(), |faults| faults.0));
    say(&format!(
        "a stand-in OneLogin on {}, at {}; ONELOGIN_API_KEY is {} unless you set it",
        simulator.url(),
        time(Some(simulator.now())),
        Config::default().key,
    ));
    simulator
        .serve_until(async {
            stop.await;
        })
        .await;
    Ok(())
}

fn config(args: &Args, key: String) -> Config {
    Config {
        key,
        seed: args.seed,
        failures: args.failures,
        people: args.people,
        days: args.days,
        now: args.now.unwrap_or_else(|| Utc::now().trunc_subsecs(0)),
        ticking: !args.frozen,
        late_records: args.late_records,
        bad_records: args.bad_records,
        ids: if args.ids_of_apps { Ids::OfTheApp } else { Ids::OfTheFailure },
        bounds: match args.bounds {
            BoundsArg::Inclusive => Bounds::Inclusive,
            BoundsArg::HalfOpen => Bounds::HalfOpen,
            BoundsArg::Exclusive => Bounds::Exclusive,
        },
        order: match args.order {
            OrderArg::Ascending => Order::Ascending,
            OrderArg::Descending => Order::Descending,
            OrderArg::Shuffled => Order::Shuffled,
        },
        cap: args.cap,
        gzip: args.gzip,
        ..Config::default()
    }
}

fn faults(text: &str) -> Result<Faults, String> {
    parse_faults(text).map(Faults).map_err(|error| error.to_string())
}
