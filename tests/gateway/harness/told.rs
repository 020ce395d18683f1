//! What an origin of the tests tells, whatever the protocol it is asked in.

/// An answer.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// A page that finds out, with what browsers have, whether all that it needs reaches it unaltered.
const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<link rel="stylesheet" href="/style.css"></head>
<body><h1 id="styled">A page of the tests</h1><img id="drawn" src="/picture.svg" alt="">
<img src="/held" alt=""><ul id="findings"></ul>
<script>
const found = [];
const settled = (name, promise) => promise.then(told => found.push(name + ": " + told),
    fault => found.push(name + ": fault " + fault.name));
const image = new Promise((done, failed) => {
    const drawn = document.getElementById("drawn");
    const told = () => done(drawn.naturalWidth + "x" + drawn.naturalHeight);
    drawn.complete && drawn.naturalWidth ? told() : (drawn.onload = told, drawn.onerror = failed);
});
const sheet = async () => getComputedStyle(document.getElementById("styled")).color;
const json = async () => (await (await fetch("/data.json")).json()).answer;
const posted = async () => (await fetch("/body", { method: "POST", body: "ab".repeat(50000) })).text()
    .then(text => text.length + text.slice(-2));
const cookie = async () => { await fetch("/cookies"); return document.cookie; };
const socket = () => new Promise((done, failed) => {
    const line = new WebSocket("wss://" + location.host + "/chat");
    line.onopen = () => line.send("hello there");
    line.onmessage = event => { line.close(); done(event.data); };
    line.onerror = () => failed(new Error());
});
const all = [settled("image", image), settled("sheet", sheet()), settled("json", json()),
    settled("posted", posted()), settled("cookie", cookie()), settled("socket", socket())];
Promise.all(all).then(() => {
    for (const line of found.sort()) {
        const item = document.createElement("li");
        item.textContent = line;
        document.getElementById("findings").append(item);
    }
    return fetch("/findings", { method: "POST", body: found.join("\n") });
});
</script></body></html>
"#;

const PICTURE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="12" height="34"><rect width="12" height="34"/></svg>"##;

/// Ten mebibytes that repeat nowhere near: what is lost, doubled or swapped shows.
pub(crate) fn ten_mebibytes() -> Vec<u8> {
    (0..10u32 << 18).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect()
}

/// What a path tells.
pub(super) fn told(path: &str, head: &str, body: &[u8]) -> Told {
    match path.split('?').next().unwrap_or("/") {
        "/body" => plain(body.to_vec()),
        "/head" => plain(head.as_bytes().to_vec()),
        "/path" => plain(path.as_bytes().to_vec()),
        "/token" => plain(token(path, head, body).into_bytes()),
        "/huge" => of("application/octet-stream", vec![b'x'; 16 << 20]),
        "/large" => of("application/octet-stream", vec![b'x'; 1 << 20]),
        "/download" => of("application/octet-stream", ten_mebibytes()),
        "/empty" => Told { status: 204, fields: vec![("X-End", "1".to_owned())], body: Vec::new() },
        "/unchanged" => Told { status: 304, fields: vec![("ETag", "\"1\"".to_owned())], body: Vec::new() },
        "/ways-round" => Told {
            fields: vec![
                ("Alt-Svc", "h3=\":443\"; ma=86400".to_owned()),
                ("Alt-Used", "other.example".to_owned()),
                ("X-End", "1".to_owned()),
            ],
            ..plain(b"ok".to_vec())
        },
        "/cookies" => Told {
            fields: vec![
                ("Set-Cookie", "one=1; Path=/".to_owned()),
                ("Set-Cookie", "two=2; Path=/; HttpOnly".to_owned()),
            ],
            ..plain(b"ok".to_vec())
        },
        "/page" => of("text/html; charset=utf-8", PAGE.into()),
        "/style.css" => of("text/css", b"h1 { color: rgb(1, 2, 3); }".to_vec()),
        "/picture.svg" | "/held" => of("image/svg+xml", PICTURE.into()),
        "/data.json" => of("application/json", br#"{"answer":"forty-two"}"#.to_vec()),
        _ => plain(b"hello from the origin".to_vec()),
    }
}

/// All that tells one client's request from another's.
fn token(path: &str, head: &str, body: &[u8]) -> String {
    let field = |name: &str| {
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let found = lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found.collect::<Vec<_>>().join(",")
    };
    format!("{path} {} {} {}", field("x-token"), field("cookie"), String::from_utf8_lossy(body))
}

fn plain(body: Vec<u8>) -> Told {
    of("text/plain", body)
}

fn of(kind: &str, body: Vec<u8>) -> Told {
    Told { status: 200, fields: vec![("Content-Type", kind.to_owned())], body }
}
