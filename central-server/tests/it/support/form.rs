//! A `multipart/form-data` body, as browsers write it.

/// The files in `tests/media`.
#[macro_export]
macro_rules! media {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/media/", $name)).as_slice()
    };
}

const BOUNDARY: &str = "----WebKitFormBoundaryX7bQ2";

/// A form that is being put together.
#[derive(Debug, Clone, Default)]
pub struct Form {
    parts: Vec<u8>,
}

impl Form {
    /// An empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a text.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    /// With a file.
    pub fn file(self, name: &str, file_name: &str, content: &[u8]) -> Self {
        self.part(&format!("name=\"{name}\"; filename=\"{file_name}\""), content)
    }

    /// With a part whose head says this.
    pub fn part(mut self, disposition: &str, content: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
        self.parts.extend_from_slice(head.as_bytes());
        self.parts.extend_from_slice(content);
        self.parts.extend_from_slice(b"\r\n");
        self
    }

    /// The whole body.
    pub fn bytes(&self) -> Vec<u8> {
        [self.parts.as_slice(), format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }

    /// Its `Content-Type`.
    pub fn media_type(&self) -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }
}
