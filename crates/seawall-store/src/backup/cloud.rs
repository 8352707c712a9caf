//! Object stores in the cloud.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
};

use super::place::credentials;

/// The client of a bucket. Options of another store, such as variables of the environment that mean something else, are passed
/// over.
pub(super) fn bucket(scheme: &str, url: &str, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>, String> {
    let said = |error: object_store::Error| match credentials(url) {
        Some(keys) => format!("{error}; its credentials are {keys}"),
        None => error.to_string(),
    };
    Ok(match scheme {
        "s3" => {
            let mut builder = AmazonS3Builder::new().with_url(url).with_retry(retry());
            for (name, value) in options {
                if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                    builder = builder.with_config(key, value);
                }
            }
            Arc::new(builder.build().map_err(said)?)
        }
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::new().with_url(url).with_retry(retry());
            for (name, value) in options {
                if let Ok(key) = name.to_ascii_lowercase().parse::<GoogleConfigKey>() {
                    builder = builder.with_config(key, value);
                }
            }
            Arc::new(builder.build().map_err(said)?)
        }
        "az" => {
            let mut builder = MicrosoftAzureBuilder::new().with_url(url).with_retry(retry());
            for (name, value) in options {
                if let Ok(key) = name.to_ascii_lowercase().parse::<AzureConfigKey>() {
                    builder = builder.with_config(key, value);
                }
            }
            Arc::new(builder.build().map_err(said)?)
        }
        other => return Err(format!("{other}:// is not known; s3://, gs://, az:// and file:// are")),
    })
}

/// Bounded, so that a request ends within the time that the place gives it.
fn retry() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 6, retry_timeout: Duration::from_secs(120) }
}
