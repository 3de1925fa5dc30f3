//! The link: what it says, what it stands, and how it comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use neopro_box::link::{Ended, Incoming, Link, Patience};
use neopro_box::net::{Address, Dialer};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use crate::support::boxed::rhythm;
use crate::support::central::Central;

async fn connect(central: &Central) -> Result<Link, Ended> {
    let server = Address::of_server(&central.url()).expect("an address");
    Link::connect(&Dialer::new().expect("a dialer"), &server, rhythm().patience).await
}

async fn next(link: &mut Link) -> Result<Incoming, Ended> {
    tokio::time::timeout(Duration::from_secs(5), link.next()).await.expect("something comes in")
}

#[tokio::test]
async fn events_and_answers_go_both_ways() {
    let central = Central::start().await;
    let mut link = connect(&central).await.expect("a link");
    link.emit("heartbeat", &json!({"a": "é"})).await.expect("sent");
    assert_eq!(central.event("heartbeat", 0).await, json!({"a": "é"}));
    link.emit_bare("pong_check").await.expect("sent");
    assert_eq!(central.event("pong_check", 0).await, Value::Null);
    let question = link.ask("reported", &json!({"sequence": 7})).await.expect("sent");
    assert_eq!(
        next(&mut link).await.expect("an answer"),
        Incoming::Answer { to: question, data: json!({"sequence": 7}) }
    );
    central.send(r#"4231["desired",{"revision":1}]"#);
    let Incoming::Event { name, data, asked: Some(asked) } = next(&mut link).await.expect("an event") else {
        panic!("an event that asks for an answer")
    };
    assert_eq!((name.as_str(), data), ("desired", json!({"revision": 1})));
    link.answer(asked, &json!({"revision": 1})).await.expect("sent");
    assert_eq!(central.event("(ack)", 0).await, json!({"revision": 1}));
    link.close().await;
    central.event("(farewell)", 0).await;
}

#[tokio::test]
async fn an_event_that_is_not_answered_is_told() {
    let central = Central::start().await;
    central.manners(|manners| manners.acknowledges = false);
    let mut link = connect(&central).await.expect("a link");
    let began = Instant::now();
    let first = link.ask("reported", &json!({})).await.expect("sent");
    let second = link.ask("reported", &json!({})).await.expect("sent");
    assert_eq!(next(&mut link).await.expect("told"), Incoming::Unanswered(first));
    assert_eq!(next(&mut link).await.expect("told"), Incoming::Unanswered(second));
    assert!(began.elapsed() >= rhythm().patience.answer);
    // An answer that comes too late is passed over.
    central.send("430[{}]");
    central.send(r#"42["later"]"#);
    assert!(matches!(next(&mut link).await, Ok(Incoming::Event { name, .. }) if name == "later"));
}

#[tokio::test]
async fn pings_are_answered_and_silence_ends_the_link() {
    let central = Central::start().await;
    central.manners(|manners| manners.pulse = (50, 200));
    let mut link = connect(&central).await.expect("a link");
    let waited = tokio::time::timeout(Duration::from_millis(600), link.next()).await;
    assert!(waited.is_err(), "pings keep the link: {waited:?}");
    assert!(central.pongs() >= 5, "{} pongs", central.pongs());
    central.manners(|manners| manners.pings = false);
    let mut link = connect(&central).await.expect("a link");
    let began = Instant::now();
    assert!(matches!(next(&mut link).await, Err(Ended::Silent)));
    assert!(began.elapsed() >= Duration::from_millis(240) && began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn every_end_has_its_name() {
    let central = Central::start().await;
    for (packet, is_closed) in
        [("41", true), ("1", true), ("", true), ("42[", false), ("4", false), ("451-[\"b\"]", false)]
    {
        let mut link = connect(&central).await.expect("a link");
        central.send(packet);
        let ended = next(&mut link).await.expect_err("an end");
        let is_right =
            if is_closed { matches!(ended, Ended::Closed | Ended::Cut(_)) } else { matches!(ended, Ended::Malformed) };
        assert!(is_right, "{packet}: {ended}");
    }
    central.manners(|manners| manners.open = Some("nonsense".into()));
    assert!(matches!(connect(&central).await, Err(Ended::Malformed)));
    let nobody = Address::of_server("http://127.0.0.1:9").expect("an address");
    let ended = Link::connect(&Dialer::new().expect("a dialer"), &nobody, Patience::FIELD).await;
    assert!(matches!(ended, Err(Ended::Unreachable(_))));
}

#[tokio::test]
async fn a_message_of_eleven_megabytes_ends_the_link_and_one_of_nine_does_not() {
    let central = Central::start().await;
    let mut link = connect(&central).await.expect("a link");
    let of = |megabytes: usize| format!(r#"42["large","{}"]"#, "x".repeat(megabytes * 1_000_000));
    central.send(&of(9));
    assert!(matches!(next(&mut link).await, Ok(Incoming::Event { name, .. }) if name == "large"));
    central.send(&of(11));
    assert!(matches!(next(&mut link).await, Err(Ended::Cut(_))));
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = Address::of_server(&url).expect("an address");
    let patience = Patience { connect: Duration::from_millis(200), ..Patience::FIELD };
    let ended = Link::connect(&Dialer::new().expect("a dialer"), &server, patience).await;
    assert!(matches!(ended, Err(Ended::Unreachable(_))));
}

#[tokio::test]
async fn a_link_is_encrypted_and_knows_whom_to_trust() {
    let central = Central::start().await;
    let certificate = CertificateDer::from(&include_bytes!("tls/certificate.der")[..]);
    let key = PrivateKeyDer::Pkcs8((&include_bytes!("tls/key.der")[..]).into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let behind = central.url().trim_start_matches("http://").to_owned();
    let front = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            // Whoever does not trust the certificate ends the handshake.
            let Ok(mut secure) = acceptor.accept(stream).await else { continue };
            let mut plain = tokio::net::TcpStream::connect(&behind).await.expect("the server");
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut secure, &mut plain).await });
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let trusting = Dialer::trusting(roots).expect("a dialer");
    let server = |host: &str| Address::of_server(&format!("https://{host}:{port}")).expect("an address");
    let patience = rhythm().patience;
    let mut link = Link::connect(&trusting, &server("localhost"), patience).await.expect("a link");
    link.emit("heartbeat", &json!({"secure": true})).await.expect("sent");
    assert_eq!(central.event("heartbeat", 0).await, json!({"secure": true}));
    let another_name = Link::connect(&trusting, &server("127.0.0.1"), patience).await;
    assert!(matches!(another_name, Err(Ended::Unreachable(_))));
    let public = Link::connect(&Dialer::new().expect("a dialer"), &server("localhost"), patience).await;
    assert!(matches!(public, Err(Ended::Unreachable(why)) if why.contains("certificate")));
    front.abort();
}
