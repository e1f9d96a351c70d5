//! What an authenticator app needs, as the page shows it.

use identity::second::Enrolment;
use qrcode::QrCode;
use qrcode::render::svg::Color;

use crate::errors::PageError;
use crate::views::door;

/// A picture to scan and the same secret to type. The picture is made here, of squares only.
pub(crate) fn view(offered: &Enrolment) -> Result<door::Enrolment, PageError> {
    let code = QrCode::new(offered.url.expose().as_bytes()).map_err(|error| {
        tracing::error!(%error, "no picture could be made of an enrolment");
        PageError::INTERNAL
    })?;
    let svg = code.render::<Color>().min_dimensions(192, 192).quiet_zone(true).build();
    Ok(door::Enrolment {
        // An XML declaration has no place inside a page.
        qr_svg: svg.split_once("?>").map_or(svg.as_str(), |(_, picture)| picture).to_owned(),
        secret: offered.typing.expose().clone(),
        token: None,
    })
}
