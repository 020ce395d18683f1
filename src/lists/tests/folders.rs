//! A folder of e2guardian, made here.

use super::data;
use crate::lists::archive::{Alias, ArchiveFile, Unpacked};
use crate::lists::e2guardian::{self, Folder, IncludeProblem, NotUsable, Rule};
use crate::lists::{Format, ReadOptions, Reading, parse};

fn tree(files: &[(&str, &str)]) -> Unpacked {
    let file = |&(path, text): &(&str, &str)| ArchiveFile { path: path.into(), bytes: text.into() };
    Unpacked { files: files.iter().map(file).collect(), aliases: Vec::new() }
}

fn text(folder: &Folder, name: &str) -> String {
    let list = folder.lists.iter().find(|list| list.name == name).unwrap();
    String::from_utf8(list.bytes.clone()).unwrap()
}

#[test]
fn every_list_of_a_folder_has_a_name_a_title_and_a_use() {
    let folder = e2guardian::folder(&tree(&[
        ("e2/e2guardian.conf", "x = y\n"),
        ("e2/lists/bannedsitelist", "#listcategory: \"Old\"\na.example\n#listcategory: \"Games\"\n"),
        ("e2/lists/bannedsiteiplist", "192.0.2.7\n"),
        ("e2/lists/group1/bannedregexpurllist", "game\n"),
        ("e2/lists/group1/localexceptionsitelist", "b.example\n"),
        ("e2/lists/semiexceptionsitelist", "c.example\n"),
        ("e2/lists/greyurllist", "d.example/x\n"),
        ("e2/lists/bannedphraselist", "<x>\n"),
        ("e2/lists/bannedextensionlist", ".exe\n"),
        ("e2/lists/exceptioniplist", "192.0.2.9\n"),
        ("e2/lists/exceptionfilesitelist", "e.example\n"),
        ("e2/lists/bannedtimelist", "x\n"),
        ("e2/lists/nomitmsitelist", "f.example\n"),
    ]));
    let told: Vec<_> =
        folder.lists.iter().map(|l| (&*l.name, &*l.title, l.format, l.rule, l.reading())).collect();
    assert_eq!(
        told,
        [
            ("bannedsiteiplist", "bannedsiteiplist", Format::E2SiteIps, Rule::Banned, Reading::Block),
            ("bannedsitelist", "Games", Format::E2Sites, Rule::Banned, Reading::Block),
            ("greyurllist", "greyurllist", Format::E2Urls, Rule::Grey, Reading::Allow),
            (
                "group1/bannedregexpurllist",
                "bannedregexpurllist",
                Format::E2RegexUrls,
                Rule::Banned,
                Reading::Block
            ),
            (
                "group1/localexceptionsitelist",
                "localexceptionsitelist",
                Format::E2Sites,
                Rule::Exception,
                Reading::Allow
            ),
            (
                "semiexceptionsitelist",
                "semiexceptionsitelist",
                Format::E2Sites,
                Rule::SemiException,
                Reading::Allow
            ),
        ]
    );
    let not_usable: Vec<_> = folder.not_usable.iter().map(|(path, why)| (&path[9..], *why)).collect();
    assert_eq!(
        not_usable,
        [
            ("bannedextensionlist", NotUsable::FileKinds),
            ("bannedphraselist", NotUsable::Phrases),
            ("bannedtimelist", NotUsable::Hours),
            ("exceptionfilesitelist", NotUsable::Checks),
            ("exceptioniplist", NotUsable::Clients),
            ("nomitmsitelist", NotUsable::Checks),
        ]
    );
}

#[test]
fn an_include_is_found_where_the_folder_was_copied_to() {
    let mut tree = tree(&[
        (
            "stick/lists/bannedsitelist",
            "a.example\r\n.Include</etc/e2guardian/lists/blacklists/porn/domains>\nz.example",
        ),
        ("stick/lists/blacklists/adult/domains", "b.example\n.Include<more>"),
        ("stick/lists/blacklists/adult/more", "c.example"),
        ("stick/lists/group1/bannedsitelist", " .Include<__LISTDIR__/common>\n.Include<../common>\n"),
        ("stick/lists/common", "d.example\n"),
    ]);
    tree.aliases.push(Alias {
        name: "stick/lists/blacklists/porn".into(),
        target: "stick/lists/blacklists/adult".into(),
    });
    let folder = e2guardian::folder(&tree);
    assert_eq!(folder.faults, []);
    assert_eq!(text(&folder, "bannedsitelist"), "a.example\r\nb.example\nc.example\nz.example\n");
    assert_eq!(text(&folder, "group1/bannedsitelist"), "d.example\n", "a file is read once");
}

#[test]
fn an_include_that_leads_nowhere_is_a_fault_with_its_place() {
    let mut files = vec![
        ("bannedsitelist".to_owned(), "a.example\n.Include<gone>\n.Include</etc/passwd>\n".to_owned()),
        ("exceptionsitelist".to_owned(), ".Include<../../x>\n".to_owned()),
        ("greysitelist".to_owned(), ".Include<loop1>\n".to_owned()),
        ("loop1".to_owned(), ".Include<loop2>\nb.example\n".to_owned()),
        ("loop2".to_owned(), ".Include<loop1>\n".to_owned()),
        ("localbannedsitelist".to_owned(), ".Include<deep0>\n".to_owned()),
    ];
    files.extend((0..20).map(|n| (format!("deep{n}"), format!(".Include<deep{}>\n", n + 1))));
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let folder = e2guardian::folder(&tree(&files));
    let told: Vec<_> = folder.faults.iter().map(|f| (&*f.file, f.line, f.problem)).collect();
    assert_eq!(
        told,
        [
            ("bannedsitelist", 2, IncludeProblem::Missing),
            ("bannedsitelist", 3, IncludeProblem::Missing),
            ("exceptionsitelist", 1, IncludeProblem::LeavesRoot),
            ("loop2", 1, IncludeProblem::Loop),
            ("deep15", 1, IncludeProblem::TooDeep),
        ]
    );
    assert_eq!(text(&folder, "greysitelist"), "b.example\n");
    let shown = folder.faults[0].to_string();
    assert_eq!(
        shown,
        "bannedsitelist:2: the included file \"gone\" is not in the folder: copy it in, below its lists folder"
    );
}

#[test]
fn the_sample_folder_is_read() {
    let names = [
        "bannedextensionlist",
        "bannedmimetypelist",
        "bannedphraselist",
        "bannedregexpurllist",
        "bannedsiteiplist",
        "bannedsitelist",
        "bannedsitelist.included",
        "bannedurllist",
        "exceptionphraselist",
        "exceptionsitelist",
        "exceptionurllist",
        "greysitelist",
        "weightedphraselist",
    ];
    let mut tree = Unpacked::default();
    for name in names {
        let Some(bytes) = data(&format!("lists/e2guardian/{name}")) else { return };
        tree.files.push(ArchiveFile { path: name.into(), bytes });
    }
    let folder = e2guardian::folder(&tree);
    assert_eq!((folder.lists.len(), folder.not_usable.len(), folder.faults.len()), (7, 5, 0));
    let banned = folder.lists.iter().find(|list| list.name == "bannedsitelist").unwrap();
    assert_eq!(banned.title, "Games");
    let parsed = parse::read(&ReadOptions::of(banned.reading()), banned.format, &banned.bytes);
    let entries: Vec<_> = parsed.items.iter().map(|item| item.entry.to_string()).collect();
    assert_eq!(
        entries,
        [
            "casino.example",
            "bingo.example",
            "coolgames.example",
            "arcade.example",
            "unblockedgames.example",
            "play.unblocked.example"
        ]
    );
    assert_eq!((parsed.rejected_total, parsed.skipped_total), (2, 3));
}
