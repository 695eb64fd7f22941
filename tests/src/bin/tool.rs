//! The program of the tests' containers on a real node. Its arguments are done one after the other:
//! `print TEXT`, `sleep SECONDS`, `serve PORT` (HTTP, answers every path with its own; forever), `get HOST:PORT/PATH`
//! (prints what is answered; tries for 30 s), `exit CODE`. SIGTERM ends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<()> {
    thread::spawn(end_on_sigterm);
    let mut args = std::env::args().skip(1);
    while let Some(verb) = args.next() {
        let argument = args.next().with_context(|| format!("{verb} needs an argument"))?;
        match verb.as_str() {
            "print" => println!("{argument}"),
            "sleep" => thread::sleep(Duration::from_secs_f64(argument.parse()?)),
            "serve" => serve(argument.parse()?)?,
            "get" => println!("{}", get(&argument)?),
            "exit" => exit(argument.parse()?),
            _ => bail!("no such verb: {verb}"),
        }
    }
    Ok(())
}

/// The first process of a container is not ended by a signal that it does not handle.
fn end_on_sigterm() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        signal(SignalKind::terminate())?.recv().await;
        exit(143)
    })
}

fn serve(port: u16) -> Result<()> {
    for stream in TcpListener::bind(("0.0.0.0", port))?.incoming() {
        // A probe that hangs up early is no reason to end.
        let _ = stream.map(answer);
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut line)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or("/");
    write!(
        stream,
        "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{path}",
        path.len()
    )?;
    Ok(())
}

fn get(url: &str) -> Result<String> {
    let (host, path) = url.split_once('/').unwrap_or((url, ""));
    let start = Instant::now();
    loop {
        match try_get(host, path) {
            Err(error) if start.elapsed() > Duration::from_secs(30) => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(200)),
            Ok(body) => return Ok(body),
        }
    }
}

fn try_get(host: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    Ok(body.to_owned())
}
