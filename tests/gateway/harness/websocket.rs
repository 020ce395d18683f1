//! A WebSocket origin that real browsers talk to (RFC 6455): it sends back every text.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What the client's key is answered with (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Shakes hands and sends short texts back until the client closes.
pub(super) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str, mut heard: Vec<u8>) {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let accept = base64(&sha1(format!("{}{GUID}", key.unwrap_or_default()).as_bytes()));
    let switch = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let _ = stream.write_all(switch.as_bytes()).await;
    let _ = stream.flush().await;
    loop {
        while let Some((kind, payload, end)) = unmasked(&heard) {
            heard.drain(..end);
            let length = u8::try_from(payload.len()).unwrap();
            let _ = stream.write_all(&[&[kind, length], &payload[..]].concat()).await;
            let _ = stream.flush().await;
            if kind == 0x88 {
                return;
            }
        }
        if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// The first frame, if it is there in whole: short and masked, as a browser sends it.
fn unmasked(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let length = usize::from(bytes.get(1)? & 0x7f);
    assert!(length < 126, "a longer text than the tests send");
    let (mask, payload) = (bytes.get(2..6)?, bytes.get(6..6 + length)?);
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Some((bytes[0], payload.collect(), 6 + length))
}

/// SHA-1 (FIPS 180-4), which nothing but this handshake still needs.
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for at in 16..80 {
            words.push((words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.into_iter().enumerate() {
            let (mixed, constant) = match at / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant);
            (a, b, c, d, e) = (next.wrapping_add(word), a, b.rotate_left(30), c, d);
        }
        state = [(state[0], a), (state[1], b), (state[2], c), (state[3], d), (state[4], e)]
            .map(|(before, more)| before.wrapping_add(more));
    }
    std::array::from_fn(|at| state[at / 4].to_be_bytes()[at % 4])
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for at in 0..4 {
            let letter = LETTERS[(group >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[test]
fn the_handshake_is_the_one_of_the_standard() {
    let key = format!("dGhlIHNhbXBsZSBub25jZQ=={GUID}");
    assert_eq!(base64(&sha1(key.as_bytes())), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
