//! Which column is what: by what the operator says, or by the names that other systems give.

use seawall_identity::{
    import::{Fault, ImportRow},
    password::Format,
};
use seawall_store::foreign::nearest;

use super::source::Record;

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Password,
    Email,
    Roles,
    Id,
    Disabled,
    /// The same, told the other way round.
    Active,
}

/// All of them, their words in `--map`, and the usual names of their columns, the likeliest first.
const FIELDS: [(Field, &str, &[&str]); 7] = [
    (
        Field::Name,
        "name",
        &[
            "username",
            "userlogin",
            "login",
            "loginname",
            "preferredusername",
            "email",
            "useremail",
            "mail",
            "emailaddress",
            "name",
        ],
    ),
    (
        Field::Password,
        "password",
        &[
            "passwordhash",
            "encryptedpassword",
            "hashedpassword",
            "passwordcrypt",
            "userpass",
            "password",
            "passwd",
            "hash",
        ],
    ),
    (Field::Email, "email", &["email", "useremail", "mail", "emailaddress"]),
    (Field::Roles, "roles", &["roles", "role"]),
    (Field::Id, "id", &["id", "userid", "uid", "localid", "uuid"]),
    (Field::Disabled, "disabled", &["disabled", "blocked", "banned", "locked", "suspended"]),
    (Field::Active, "active", &["isactive", "active", "enabled"]),
];

/// Where each field of a row comes from.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Each field and its column.
    pub(super) fields: Vec<(Field, String)>,
    /// How the stored password is put together, and which other columns that needs.
    template: Vec<Piece>,
    /// The columns that are read, each once.
    pub(super) columns: Vec<String>,
    /// The format that every stored password has to have.
    pub(super) format: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Column(String),
}

impl Mapping {
    /// # Errors
    /// A sentence: a column that is not there, no name, or a format that is not known.
    pub(super) fn new(there: &[String], map: &[String], format: &str) -> Result<Self, String> {
        let fields = if map.is_empty() { recognised(there) } else { told(there, map)? };
        if !fields.iter().any(|(field, _)| *field == Field::Name) {
            return Err(format!(
                "no column is the name to sign in with; say which: --map name=COLUMN. There are: {}",
                there.join(", ")
            ));
        }
        let password = fields.iter().find(|(field, _)| *field == Field::Password).map(|(_, column)| column.as_str());
        let (template, format) = template(format, password, there)?;
        let mut columns: Vec<String> = fields.iter().map(|(_, column)| column.clone()).collect();
        columns.extend(template.iter().filter_map(|piece| match piece {
            Piece::Column(column) => Some(column.clone()),
            Piece::Text(_) => None,
        }));
        let mut once = Vec::new();
        columns.retain(|column| {
            let fresh = !once.contains(column);
            once.push(column.clone());
            fresh
        });
        Ok(Self { fields, template, columns, format })
    }

    /// The column that is the other system's id.
    pub(super) fn id(&self) -> Option<&str> {
        self.fields.iter().find(|(field, _)| *field == Field::Id).map(|(_, column)| column.as_str())
    }

    /// `name = email, password = password_hash`
    pub(super) fn shown(&self) -> String {
        self.fields.iter().map(|(field, column)| format!("{} = {column}", word(*field))).collect::<Vec<_>>().join(", ")
    }

    /// A row of a batch.
    pub(super) fn row(&self, record: Record) -> ImportRow {
        let Record { position, place, cells, .. } = record;
        let empty = ImportRow {
            position,
            place,
            name: None,
            email: None,
            password: None,
            roles: None,
            id: None,
            disabled: None,
            fault: None,
        };
        let filled = cells.and_then(|cells| self.filled(&cells, empty.clone()));
        filled.unwrap_or_else(|fault| ImportRow { fault: Some(fault), ..empty })
    }

    fn filled(&self, cells: &[Option<String>], mut row: ImportRow) -> Result<ImportRow, Fault> {
        let cell = |name: &str| {
            let place = self.columns.iter().position(|column| column == name)?;
            cells.get(place).cloned().flatten()
        };
        for (field, column) in &self.fields {
            let value = cell(column);
            match field {
                Field::Name => row.name = value,
                Field::Email => row.email = value,
                Field::Id => row.id = value,
                Field::Roles => row.roles = value.as_deref().map(roles),
                Field::Password => {}
                Field::Disabled => row.disabled = flag(column, value.as_deref())?.or(row.disabled),
                Field::Active => row.disabled = flag(column, value.as_deref())?.map(|active| !active).or(row.disabled),
            }
        }
        let whole: Option<Vec<String>> = self
            .template
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.clone()),
                Piece::Column(column) => cell(column),
            })
            .collect();
        // Without one of the columns there is no password.
        row.password = whole.map(|pieces| pieces.concat()).filter(|text| !text.is_empty());
        Ok(row)
    }
}

fn word(field: Field) -> &'static str {
    FIELDS.iter().find(|(one, ..)| *one == field).map_or("", |(_, word, _)| word)
}

/// What usual names say. A column `name` beside an e-mail address is how people are shown, not what they sign in with.
fn recognised(there: &[String]) -> Vec<(Field, String)> {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let find = |usual: &[&str]| usual.iter().find_map(|usual| there.iter().find(|column| plain(column) == *usual));
    FIELDS.iter().filter_map(|(field, _, usual)| find(usual).map(|column| (*field, column.clone()))).collect()
}

fn told(there: &[String], map: &[String]) -> Result<Vec<(Field, String)>, String> {
    let mut fields = Vec::new();
    for pair in map.iter().flat_map(|pairs| pairs.split(',')).filter(|pair| !pair.trim().is_empty()) {
        let (field, column) =
            pair.split_once('=').ok_or(format!("`{pair}` is no pair; write --map name=COLUMN,password=COLUMN"))?;
        let known = FIELDS.iter().find(|(_, word, _)| *word == field.trim());
        let words = FIELDS.map(|(_, word, _)| word).join(", ");
        let (field, ..) = known.ok_or(format!("`{field}` is no field of a user; there are: {words}"))?;
        fields.push((*field, exists(there, column.trim())?));
    }
    Ok(fields)
}

fn exists(there: &[String], column: &str) -> Result<String, String> {
    if there.iter().any(|known| known == column) {
        return Ok(column.to_owned());
    }
    Err(match nearest(column, there.iter().map(String::as_str)) {
        Some(near) => format!("there is no column `{column}`; did you mean `{near}`?"),
        None => format!("there is no column `{column}`; there are: {}", there.join(", ")),
    })
}

/// `auto`, a format's name, `plain`, a digest's name, or a text with columns in braces, among them `{password}`.
fn template(format: &str, password: Option<&str>, there: &[String]) -> Result<(Vec<Piece>, Option<String>), String> {
    let Some(password) = password else {
        return if format == "auto" {
            Ok((Vec::new(), None))
        } else {
            Err("--format needs a column with the password: --map password=COLUMN".to_owned())
        };
    };
    let one = || Piece::Column(password.to_owned());
    match format {
        "auto" => return Ok((vec![one()], None)),
        "plain" => return Ok((vec![Piece::Text("plain:".to_owned()), one()], None)),
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => {
            return Ok((vec![Piece::Text(format!("digest:{format}:")), one()], None));
        }
        _ => {}
    }
    if Format::ALL.iter().any(|known| known.name() == format) {
        return Ok((vec![one()], Some(format.to_owned())));
    }
    if !format.contains('{') {
        let names = Format::ALL.map(Format::name).join(", ");
        return Err(format!(
            "`{format}` is no format; there are auto, plain, md5, sha1, sha256, sha512, a text such as 'salted:sha256:{{salt}}:{{password}}', and: {names}"
        ));
    }
    pieces(format, password, there).map(|pieces| (pieces, None))
}

fn pieces(text: &str, password: &str, there: &[String]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or("a brace of --format is not closed".to_owned())?;
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Column(if name == "password" { password.to_owned() } else { exists(there, name)? }));
        rest = behind;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

fn roles(text: &str) -> Vec<String> {
    text.split([',', ';', '|', ' ']).map(str::trim).filter(|role| !role.is_empty()).map(str::to_lowercase).collect()
}

fn flag(column: &str, text: Option<&str>) -> Result<Option<bool>, Fault> {
    let Some(text) = text else { return Ok(None) };
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" => Ok(Some(true)),
        "0" | "false" | "f" | "no" | "n" => Ok(Some(false)),
        _ => Err(Fault::new(column, "this is neither true nor false; write 1 or 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    fn shown(names: &str) -> String {
        Mapping::new(&there(names), &[], "auto").unwrap().shown()
    }

    #[test]
    fn the_columns_of_other_systems_are_recognised() {
        assert_eq!(
            shown("id username password email is_active"),
            "name = username, password = password, email = email, id = id, active = is_active"
        );
        assert_eq!(shown("id name email password"), "name = email, password = password, email = email, id = id");
        assert_eq!(
            shown("ID user_login user_pass user_email"),
            "name = user_login, password = user_pass, email = user_email, id = ID"
        );
        assert_eq!(
            shown("id email encrypted_password"),
            "name = email, password = encrypted_password, email = email, id = id"
        );
        assert_eq!(shown("name passwordHash"), "name = name, password = passwordHash");
    }

    #[test]
    fn what_is_said_wrongly_is_explained() {
        let wrong =
            |map: &str, format: &str| Mapping::new(&there("email hash salt"), &[map.to_owned()], format).unwrap_err();
        assert!(wrong("name=emial", "auto").contains("did you mean `email`?"));
        assert!(wrong("nick=email", "auto").contains("no field of a user"));
        assert!(wrong("password=hash", "auto").contains("--map name=COLUMN"));
        assert!(wrong("name=email,password=hash", "md4").contains("is no format"));
        assert!(wrong("name=email,password=hash", "salted:md5:{slat}:{password}").contains("did you mean `salt`?"));
    }

    #[test]
    fn a_stored_password_is_put_together_from_columns() {
        let mapping = Mapping::new(
            &there("email hash salt"),
            &["name=email,password=hash".to_owned()],
            "salted:md5:{salt}:{password}",
        )
        .unwrap();
        assert_eq!(mapping.columns, there("email hash salt"));
        let cells = |cells: [Option<&str>; 3]| Record {
            position: String::new(),
            place: String::new(),
            after: String::new(),
            cells: Ok(cells.map(|cell| cell.map(str::to_owned)).to_vec()),
        };
        assert_eq!(mapping.row(cells([Some("a"), Some("ff"), Some("s")])).password.as_deref(), Some("salted:md5:s:ff"));
        assert_eq!(mapping.row(cells([Some("a"), None, Some("s")])).password, None);
    }
}
