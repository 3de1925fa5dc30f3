//! A stand-in for an SMTP server: the part of RFC 5321 that a submission needs, and what it was told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One conversation.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub commands: Vec<String>,
    pub message: String,
}

/// The stand-in.
#[derive(Debug, Clone)]
pub struct Smtp {
    heard: Arc<Mutex<Vec<Heard>>>,
    /// What it says to `RCPT`.
    rcpt: Arc<Mutex<&'static str>>,
    pub port: u16,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let smtp = Self { heard: Arc::default(), rcpt: Arc::new(Mutex::new("250 2.1.5 OK")), port };
        let server = smtp.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let _ = server.converse(stream).await;
                });
            }
        });
        smtp
    }

    /// From now on it says this to `RCPT`.
    pub fn says(&self, answer: &'static str) {
        *self.rcpt.lock().expect("a word") = answer;
    }

    /// The conversations that have ended.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("a book").clone()
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut heard = Heard::default();
        let mut line = String::new();
        stream.write_all(b"220 mx.neopro.test ESMTP\r\n").await?;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                break;
            }
            let command = line.trim_end().to_owned();
            let word = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            heard.commands.push(command);
            let answer = match word.as_str() {
                "EHLO" => "250-mx.neopro.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
                "AUTH" => "235 2.7.0 OK",
                "RCPT" => *self.rcpt.lock().expect("a word"),
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    loop {
                        line.clear();
                        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
                            break;
                        }
                        // A dot at the beginning of a line was doubled on the way.
                        heard.message.push_str(line.strip_prefix('.').unwrap_or(&line));
                    }
                    "250 2.0.0 queued"
                }
                "QUIT" => "221 bye",
                _ => "250 OK",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            if word == "QUIT" {
                break;
            }
        }
        self.heard.lock().expect("a book").push(heard);
        Ok(())
    }
}
