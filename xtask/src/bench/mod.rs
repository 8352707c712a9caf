//! stub
pub(crate) mod upstream {
    pub(crate) fn run() -> Result<(), crate::failure::Failure> {
        Ok(())
    }
}
pub(crate) fn run(_: &[&str]) -> Result<(), crate::failure::Failure> {
    Ok(())
}
