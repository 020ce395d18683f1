//! Told to stop: what is open is finished, nothing new is taken, and the record is closed last.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Gateway, Program, Site, within};

const PAGE: usize = 400_000;
/// The time to drain where nothing may wait for its end, in seconds.
const DRAIN: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_download_in_flight_is_finished_and_nobody_new_is_let_in() {
    let (mut site, slow) = slow_site().await;
    site.variable("SCHOOLGATE__LIMITS__DRAIN_SECONDS", &DRAIN.to_string());
    let mut program = site.serve().await;
    let mut client = site.browser(&program, "ks2").connection().await;
    client.write_all(b"GET http://maths.example/ HTTP/1.1\r\nHost: maths.example\r\n\r\n").await.unwrap();
    let mut origin = half_a_page(&slow).await;
    let mut page = read(&mut client, PAGE / 2).await;

    program.signal("TERM").await;
    program.says("stopping").await;
    refused(program.at("explicit")).await;
    origin.write_all(&vec![b'x'; PAGE / 2]).await.unwrap();
    within(client.read_to_end(&mut page)).await.unwrap();
    let body = page.len() - page.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() - 4;
    assert_eq!(body, PAGE, "the download was cut");
    let asked = Instant::now();
    assert_eq!(program.ended().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(DRAIN / 2), "it waited although nothing was open");

    let trail = stopped(&site).await;
    let end = trail.iter().find(|event| event["event"]["dataset"] == "schoolgate.close").unwrap();
    assert_eq!(end["schoolgate"]["bytes_down"], PAGE, "{end:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_does_not_end_by_itself_is_ended_after_the_drain() {
    let mut site = Gateway::new().site().await;
    site.variable("SCHOOLGATE__LIMITS__DRAIN_SECONDS", "3");
    let mut program = site.serve().await;
    let browser = site.browser(&program, "ks2");
    let mut held = browser.tls("maths.example:443", "maths.example").await.unwrap();
    let mut used = browser.tls("maths.example:443", "maths.example").await.unwrap();

    program.signal("TERM").await;
    program.says("stopping").await;
    let told = Instant::now();
    used.write_all(b"GET / HTTP/1.1\r\nHost: maths.example\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within(used.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("hello from the origin"), "an open tunnel still works: {answer}");
    assert_eq!(program.ended().await.code(), Some(0));
    let took = told.elapsed();
    assert!(
        took >= Duration::from_millis(2_500) && took < Duration::from_secs(DRAIN / 2),
        "ended after {took:?}"
    );
    assert_eq!(within(held.read(&mut [0])).await.unwrap_or(0), 0, "the held tunnel was ended");

    let trail = stopped(&site).await;
    let closed_by: Vec<&Value> = trail
        .iter()
        .filter(|event| event["event"]["dataset"] == "schoolgate.close")
        .map(|event| &event["schoolgate"]["closed_by"])
        .collect();
    assert_eq!(closed_by.len(), 2, "{closed_by:?}");
    assert_eq!(closed_by[1], "gateway", "{closed_by:?}");
}

/// A bug: the stop waited for whoever read the trail, however long that took, and was killed.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_still_being_written_does_not_hold_up_the_stop() {
    let mut site = Gateway::new().site().await;
    site.variable("SCHOOLGATE__LIMITS__DRAIN_SECONDS", "3");
    let mut program = site.serve().await;
    // A segment that can be opened, and never read: a pipe that nobody writes to.
    let day = site.file("var/audit/2099-01-01");
    std::fs::create_dir(&day).unwrap();
    let pipe = day.join("000000000001.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let archive = site.file("term.zip").display().to_string();
    let asked = ["audit", "export", "--out", &archive, "--reason", "looking into a report"];
    let asking = site.command(&asked).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let reading = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(pipe));
    let _held = within(reading).await.unwrap().unwrap();

    program.signal("TERM").await;
    program.says("stopping").await;
    assert_eq!(program.ended().await.code(), Some(0));
    drop(asking);
    std::fs::remove_dir_all(day).unwrap();
    stopped(&site).await;
}

/// The trail of a program that has stopped in order.
async fn stopped(site: &Site) -> Vec<Value> {
    site.verify().await;
    let trail = site.trail();
    assert_eq!(trail.last().unwrap()["event"]["action"], "gateway.stopped", "the record closes last");
    trail
}

/// A site whose port 80 is an origin that the test itself plays.
async fn slow_site() -> (Site, TcpListener) {
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut site = Gateway::new().site().await;
    let port = slow.local_addr().unwrap().port();
    site.variable("SCHOOLGATE__UPSTREAM__PORTS", &format!("{{ 80 = {port} }}"));
    (site, slow)
}

async fn half_a_page(slow: &TcpListener) -> TcpStream {
    let (mut stream, _) = within(slow.accept()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(within(stream.read_buf(&mut head)).await.unwrap() > 0);
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {PAGE}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; PAGE / 2]).await.unwrap();
    stream
}

async fn read(client: &mut TcpStream, at_least: usize) -> Vec<u8> {
    let mut page = Vec::new();
    while page.len() < at_least {
        assert!(within(client.read_buf(&mut page)).await.unwrap() > 0, "the answer ended early");
    }
    page
}

/// Waits until a door is shut: nothing tells of it but the attempt.
async fn refused(door: SocketAddr) {
    let attempts = async {
        while TcpStream::connect(door).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(attempts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_the_start_is_obeyed_in_order() {
    let site = Gateway::new().site().await;
    let mut program: Program = site.serve().await;
    // The banner is out, readiness is not told yet: this was a window in which a signal killed.
    program.signal("HUP").await;
    program.says("reloaded").await;
    program.signal("INT").await;
    assert_eq!(program.ended().await.code(), Some(0));
    stopped(&site).await;
}
