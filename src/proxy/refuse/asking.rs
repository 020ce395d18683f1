//! What a page says to a pupil who asks for a site: in words of a child of nine.

use hyper::StatusCode;

use crate::proxy::ask::Told;

impl Told {
    /// The status of the page that says it.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Told::Waiting | Told::Taken | Told::Refused | Told::Lapsed => StatusCode::OK,
            Told::TooShort | Told::TooOld => StatusCode::BAD_REQUEST,
            Told::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Told::NotOffered => StatusCode::FORBIDDEN,
            Told::Failed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// In English and Welsh.
    pub(super) fn words(self) -> [&'static str; 2] {
        match self {
            Told::Waiting => [
                "You asked for this site. Your teacher will see this. Try the site again later.",
                "Gofynnaist ti am y wefan hon. Bydd dy athro yn gweld hyn. Rho gynnig arall arni wedyn.",
            ],
            Told::Taken => [
                "Your teacher is asking for this site to be opened. Try it again later.",
                "Mae dy athro yn gofyn am agor y wefan hon. Rho gynnig arall arni wedyn.",
            ],
            Told::Refused => [
                "You asked for this site, and the answer is no. You can talk to your teacher about it.",
                "Gofynnaist ti am y wefan hon, a’r ateb yw na. Gelli di siarad â dy athro am hyn.",
            ],
            Told::Lapsed => [
                "You asked for this site, but nobody answered in time. Ask your teacher in class.",
                "Gofynnaist ti am y wefan hon, ond nid atebodd neb mewn pryd. Gofynna i dy athro yn y dosbarth.",
            ],
            Told::TooOften => [
                "You have asked for a lot of sites. Wait an hour, or ask your teacher in class.",
                "Rwyt ti wedi gofyn am lawer o wefannau. Aros am awr, neu gofynna i dy athro yn y dosbarth.",
            ],
            Told::TooShort => [
                "Say in three words or more why you need it. Go back and try again.",
                "Dywed mewn tri gair neu fwy pam mae ei hangen arnat. Cer yn ôl a rho gynnig arall arni.",
            ],
            Told::TooOld => [
                "This page is too old to ask from. Open the site again and ask from there.",
                "Mae’r dudalen hon yn rhy hen. Agor y wefan eto a gofynna o’r fan honno.",
            ],
            Told::NotOffered => ["Nobody can open this site for you.", "Ni all neb agor y wefan hon i ti."],
            Told::Failed => [
                "The filter could not keep what you asked. Ask your teacher in class.",
                "Ni allai’r hidlydd gadw dy gais. Gofynna i dy athro yn y dosbarth.",
            ],
        }
    }
}
