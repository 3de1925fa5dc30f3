//! Everything that no client of ours would say, each with its name.

use super::wire::{HANDSHAKE, TEXT, frame, head};

/// What is said, and how it is called in a complaint.
pub type Word = (String, Vec<u8>);

/// Frames, and messages in frames, that end the connection of whoever sends them.
pub fn on_a_websocket() -> Vec<Word> {
    let mut words: Vec<Word> = frames().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    let reserved = (3..=7).chain(0xb..=0xf).map(|kind| (format!("frame of kind {kind:#x}"), frame(0x80 | kind, b"40")));
    words.extend(reserved);
    words.extend(packets().into_iter().map(|text| {
        let name: String = text.chars().take(40).collect();
        (format!("packet {name:?}"), frame(TEXT, text.as_bytes()))
    }));
    words
}

fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let unmasked = [&[TEXT, 2][..], b"40"].concat();
    let part = |first: u8, text: &[u8]| frame(first, text);
    vec![
        ("frame without a mask", unmasked),
        ("frame with the first reserved bit", frame(0xc1, b"40")),
        ("frame with the second reserved bit", frame(0xa1, b"40")),
        ("frame with the third reserved bit", frame(0x91, b"40")),
        ("binary frame", frame(0x82, b"40")),
        ("continuation of nothing", frame(0x80, b"40")),
        ("continuation of nothing that goes on", frame(0x00, b"40")),
        ("message within a message", [part(0x01, b"4"), part(TEXT, b"0")].concat()),
        ("ping in parts", frame(0x09, b"here?")),
        ("pong in parts", frame(0x0a, b"here")),
        ("close in parts", frame(0x08, b"")),
        ("ping that is too long", frame(0x89, &[b'x'; 126])),
        ("close that is too long", frame(0x88, &[b'x'; 70_000])),
        ("close of one byte", frame(0x88, b"x")),
        ("close within a message", [part(0x01, b"4"), part(0x88, b"")].concat()),
        ("announced 64 kB and one byte", head(TEXT, 64 * 1024 + 1)),
        ("announced four gigabytes", head(TEXT, 1 << 32)),
        ("announced all that a number can say", head(TEXT, u64::MAX)),
        ("announced with the highest bit", head(TEXT, 1 << 63)),
        ("parts that are too long together", [part(0x01, &[b'x'; 60_000]), part(0x00, &[b'x'; 6_000])].concat()),
        ("continuations that never end", [part(0x01, b"42"), part(0x00, &[b'x'; 1_000]).repeat(70)].concat()),
        ("bytes that are no text", frame(TEXT, &[b'4', 0xff, 0xfe])),
        ("text that is longer than it needs to be", frame(TEXT, &[b'4', 0xc0, 0x80])),
        ("half a pair of surrogates", frame(TEXT, &[b'4', 0xed, 0xa0, 0x80])),
        ("a letter that is not finished", frame(TEXT, &[b'4', 0xe2, 0x82])),
        ("HTTP again", HANDSHAKE.as_bytes().to_vec()),
    ]
}

/// Packets of Engine.IO and Socket.IO.
fn packets() -> Vec<String> {
    let words = [
        "",
        "4",
        "0",
        "2",
        "7",
        "9",
        "é",
        "b4AAAA",
        "\u{0}",
        "4\u{1e}40",
        "1",
        "2probe",
        "5",
        "40{",
        "40/admin,",
        "40/admin,{\"token\":1}",
        "41",
        "41/admin,",
        "42",
        "42{}",
        "42[]",
        "42[1]",
        "42[null]",
        "42[[\"a\"]]",
        "42[\"a\"",
        "42[\"a\",]",
        "42[\"a\"]x",
        "42\"a\"",
        "42/admin,[\"a\"]",
        "42/admin,7[\"a\"]",
        "42-7[\"a\"]",
        "42 7[\"a\"]",
        "4299999999999999999999[\"a\"]",
        "42184467440737095516160[\"a\"]",
        "42[\"a\",1e999]",
        "42[\"a\",-1e999]",
        "42[\"a\",01]",
        "42[\"a\",.5]",
        "42[\"a\",NaN]",
        "42[\"a\",Infinity]",
        "42[\"\\ud800\"]",
        "42[\"a\",\"\\x\"]",
        "42[\"a\",\"\u{1}\"]",
        "42['a']",
        "43",
        "43[]",
        "43x[]",
        "430[]",
        "437[{\"revision\":9}]",
        "4318446744073709551615[]",
        "4318446744073709551616[]",
        "44{\"message\":\"x\"}",
        "450-[\"a\"]",
        "451-[\"a\",{\"_placeholder\":true,\"num\":0}]",
        "4599999999-[\"a\"]",
        "461-7[{\"_placeholder\":true,\"num\":0}]",
        "47[]",
        "4x",
    ];
    let mut packets: Vec<String> = words.iter().map(|text| (*text).to_owned()).collect();
    packets.push(format!("42[\"a\",{}", "[".repeat(60_000)));
    packets.push(format!("42[\"a\",{}1{}]", "[".repeat(30_000), "]".repeat(30_000)));
    packets.push(format!("42[\"a\",{}1{}]", "{\"a\":".repeat(8_000), "}".repeat(8_000)));
    packets.push(format!("42[\"authenticate\",{}]", "[".repeat(200)));
    packets.push(format!("43{}[]", "9".repeat(60_000)));
    packets
}

/// What a box that is known may say, and what is passed over: its connection stays.
pub fn nonsense() -> Vec<String> {
    let words = [
        r#"42["heartbeat"]"#,
        r#"42["heartbeat",null]"#,
        r#"42["heartbeat",[]]"#,
        r#"42["heartbeat","x"]"#,
        r#"42["heartbeat",{"metrics":{"cpu":1e308,"memory":-1,"temperature":"hot","uptime":1e300}}]"#,
        r#"42["heartbeat",{"metrics":[1,2,3],"softwareVersion":{"a":1}}]"#,
        r#"429007199254740993["heartbeat",{}]"#,
        r#"4218446744073709551615["nothing"]"#,
        r#"42["nothing",1,2,3]"#,
        r#"42[""]"#,
        r#"42["authenticate",{}]"#,
        r#"42["deploy_progress",{"videoId":"x","progress":1}]"#,
        r#"42["deploy_progress",{"videoId":"0193d5a8-0000-7000-8000-000000000001","progress":1e308}]"#,
        r#"42["sync_local_state",{"config":7}]"#,
        r#"42["sync_local_state"]"#,
        r#"42["command_result",{}]"#,
        r#"42["command_result",{"commandId":"0193d5a8-0000-7000-8000-000000000001","status":7}]"#,
        r#"421["reported",{"revision":99999999999999999999}]"#,
        r#"422["reported",{"sequence":-9223372036854775808}]"#,
        r#"423["reported",{"sequence":1,"inventory":{"id":1}}]"#,
        r#"424["reported",[]]"#,
        "3",
        "6",
        "40",
    ];
    words.iter().map(|text| (*text).to_owned()).collect()
}

/// Whole requests, or beginnings of them, that are answered with a refusal or with the end of the connection.
pub fn over_http(session: &str) -> Vec<Word> {
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={session}");
    let post = |headers: &str, body: &str| format!("POST {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{body}");
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    let upgrade = |change: (&str, &str)| HANDSHAKE.replace(change.0, change.1);
    let words = [
        ("length that is no number", post("content-length: seven", "40")),
        ("negative length", post("content-length: -1", "40")),
        ("two lengths", post("content-length: 2\r\ncontent-length: 3", "40x")),
        ("length beyond a number", post("content-length: 99999999999999999999999", "40")),
        ("a terabyte announced", post("content-length: 1000000000000", &"x".repeat(70_000))),
        ("a body that is too long for a stranger", post("content-length: 70000", &"x".repeat(70_000))),
        ("a chunk whose size is no number", post("transfer-encoding: chunked", "xyz\r\n40\r\n0\r\n\r\n")),
        ("a chunk whose size is beyond a number", post("transfer-encoding: chunked", "fffffffffffffffff\r\n40")),
        ("an encoding that is none", post("transfer-encoding: chunked, nonsense", "40")),
        ("no session", post("content-length: 2", "40").replace(session, "nobody")),
        ("no session to fetch", get(&path.replace(session, "nobody"), "")),
        ("no transport", get("/socket.io/?EIO=4", "")),
        ("another transport", get("/socket.io/?EIO=4&transport=pigeon", "")),
        ("an engine of old", get("/socket.io/?EIO=3&transport=polling", "")),
        ("no HTTP", "\u{0}\u{1}\u{2}\r\n\r\n".to_owned()),
        ("another HTTP", "GET / HTTP/9.9\r\n\r\n".to_owned()),
        ("a WebSocket of old", upgrade(("version: 13", "version: 8"))),
        ("a WebSocket without its key", upgrade(("sec-websocket-key", "x-key"))),
        ("a WebSocket without the word", upgrade(("connection: upgrade", "connection: close"))),
        ("a WebSocket by POST", upgrade(("GET", "POST"))),
        ("a thousand headers", get("/live", &"x: y\r\n".repeat(1_000))),
    ];
    words.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
}
