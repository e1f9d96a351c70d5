//! Exchange: records that come from elsewhere. Reading is pure here (no database); what is read
//! is written through the doors of `patients`, like anything else.

pub mod fhir;
