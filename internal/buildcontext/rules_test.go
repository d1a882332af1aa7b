package buildcontext

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
)

// TestRules holds what is packed to what docker build sends. Each case has the
// Dockerfile and the files of its ignore rules, which are not listed.
func TestRules(t *testing.T) {
	const project = "bot.py README.md a/bot.py a/b/bot.py a/b/c/README.md docs/index.md docs/api/ref.md "
	for _, tt := range []struct {
		name, files, ignore, want string
		kept                      string // secrets
	}{
		{"comments and blanks", project, "# README.md\n\n \t\n#a\n", project, ""},
		{"a comment has no space before", "a #b", " #b\n", "a", ""},
		{"byte order mark", "a b", "\ufeffa\nb", "", ""},
		{"byte order mark in another line", "a b", "a\n\ufeffb", "b", ""},
		{"carriage returns", "a b c", "a\r\nb\r\n", "c", ""},
		{"space around", "a b c", "  a  \n\tb\t", "c", ""},
		{"the root alone", project, "bot.py", "README.md a/bot.py a/b/bot.py a/b/c/README.md docs/index.md docs/api/ref.md", ""},
		{"a slash first", project, "/bot.py\n/docs", "README.md a/bot.py a/b/bot.py a/b/c/README.md", ""},
		{"a slash last", project, "docs/\na/b/", "bot.py README.md a/bot.py", ""},
		{"a slash last takes files, too", "docs a", "docs/", "a", ""},
		{"a dot first", project, "./docs\n./a/../README.md", "bot.py a/bot.py a/b/bot.py a/b/c/README.md", ""},
		{"out of the context", "a b", "../a", "a b", ""},
		{"the context", "a b", ".\n/", "a b", ""},
		{"star", project, "*.md", "bot.py a/bot.py a/b/bot.py a/b/c/README.md docs/index.md docs/api/ref.md", ""},
		{"star does not cross", project, "*/*.md\n*/bot.py", "bot.py README.md a/b/bot.py a/b/c/README.md docs/api/ref.md", ""},
		{"star takes dots", ".x x a/.x", "*x", "a/.x", ""},
		{"question", "a1 a2 a22 a/1", "a?", "a/1 a22", ""},
		{"class", "ab ac ad ae", "a[b-d]", "ae", ""},
		{"negated class", "ab ac ad ae", "a[^b-d]", "ab ac ad", ""},
		{"negated class takes a slash", "a/c abc", "a[^x]c", "a/", ""},
		{"escape", "a*b axb", `a\*b`, "axb", ""},
		{"signs of regular expressions", "a.b axb a+b a(b)c a{1} a|b a$", "a.b\na+b\na(b)c\na{1}\na|b\na$", "axb", ""},
		{"case", "A a", "a", "A", ""},
		{"two stars first", project, "**/bot.py", "README.md a/b/c/README.md docs/index.md docs/api/ref.md", ""},
		{"two stars and an ending", project, "**/*.md", "bot.py a/bot.py a/b/bot.py a/b/c/ docs/api/", ""},
		{"two stars last", project, "a/**", "bot.py README.md docs/index.md docs/api/ref.md a/", ""},
		{"two stars between", project, "a/**/README.md", "bot.py README.md a/bot.py a/b/bot.py a/b/c/ docs/index.md docs/api/ref.md", ""},
		{"two stars are none, too", "a/b a/x/b a/x/y/b", "a/**/b", "a/x/y/", ""},
		{"two stars alone", project, "**", "", ""},
		{"two stars in a name", "abc xabc x/abc x/y", "**abc", "x/y", ""},
		{"a folder's own folders", project, "**/b", "bot.py README.md a/bot.py docs/index.md docs/api/ref.md", ""},
		{"empty folders", "a/ b/c/ d", "b", "a/ d", ""},
		{"back in", project, "*.md\n!README.md", project, ""},
		{"the last one counts", project, "*.md\n!README.md\nREAD*", strings.Replace(project, "README.md", "", 1), ""},
		{"back in before", project, "!README.md\n*.md", strings.Replace(project, "README.md", "", 1), ""},
		{"all but", project, "*\n!a/b", "a/b/bot.py a/b/c/README.md", ""},
		{"all but a file", project, "**\n!docs/api/ref.md", "docs/api/ref.md", ""},
		{"all but an ending", project, "**\n!**/*.md", "README.md a/b/c/README.md docs/index.md docs/api/ref.md", ""},
		{"all but a name at any depth", project, "*\n!**/bot.py", "bot.py a/bot.py a/b/bot.py", ""},
		{"back in and out", project, "*\n!docs\ndocs/api", "docs/index.md", ""},
		{"out of what is back in, from before", project, "docs/api\n*\n!docs", "docs/index.md docs/api/ref.md", ""},
		{"out again, by a name from before", project, "*\n!a/b\na", "a/b/bot.py a/b/c/README.md", ""},
		{"a folder but one file", project, "docs\n!docs/index.md", "bot.py README.md a/bot.py a/b/bot.py a/b/c/README.md docs/index.md", ""},
		{"a folder's folders but one file", project, "a\n!a/b/c/*.md", "bot.py README.md a/b/c/README.md docs/index.md docs/api/ref.md", ""},
		{"a ! and a slash", project, "*\n! /docs/api/", "docs/api/ref.md", ""},
		{"two !", "!a b", "!!a\n*\n!!a", "!a", ""},
		{"a link is not followed", "a/x l->a m->../out n->/etc/passwd d->none", "a", "l->a m->../out n->/etc/passwd d->none", ""},
		{"a link's name", "a/x l->a", "l", "a/x", ""},
		{"a link is no folder", "a/x l->a", "l/x", "a/x l->a", ""},
		{"executables", "run* a/run* x", "", "run* a/run* x", ""},
		{"spaces in names", "a", "a b\nc", "a", ""},

		{"secrets", ".env .env.local a/.env a/tls.key ca.pem x.env .envrc key pem .environment", "", "key pem .environment a/", "x.env .envrc .env .env.local a/.env a/tls.key ca.pem"},
		{"secrets that are left out anyway", ".env a/.env ca.pem x", "**/.env", "a/ x", "ca.pem"},
		{"a folder of a secret's name", ".env/bin/python .env/x.pem a", "", "a", ".env/"},
		{"secrets back in", ".env .env.example a/.env ca.pem a/b/ca.pem", "!.env.example\n!**/ca.pem", ".env.example ca.pem a/b/ca.pem", ".env a/.env"},
		{"a secret back in by its ending", "ca.pem a/ca.pem", "!*.pem", "a/ ca.pem", "a/ca.pem"},
		{"a secret back in and out", "ca.pem a/ca.pem", "!**/*.pem\na/*.pem", "a/ ca.pem", ""},
		{"no word on a secret", "src/bot.py src/.env src/ca.pem", "*\n!src", "src/bot.py", "src/.env src/ca.pem"},
		{"stars are no word on a secret", "src/bot.py src/.env src/a/x.key", "*\n!src/**\n!src/*\n!**", "src/bot.py src/a/", "src/.env src/a/x.key"},
		{"a secret out of a folder that is out", "src/x src/.env", "src\n!src/.env", "src/.env", ""},
		{"in a secret folder", "a/x.key/y a/x.key/z", "!a/x.key/y", "a/x.key/y", "a/x.key/"},
		{"a secret folder back in", "a/x.key/y a/x.key/.env", "!a/x.key", "a/x.key/y", "a/x.key/.env"},
		{"secret links", ".env->x x", "", "x", ".env"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, tt.files)
			write(t, dir, "Dockerfile", "FROM x\n")
			write(t, dir, "Dockerfile.dockerignore", tt.ignore+"\nDockerfile.dockerignore\n")
			a, all := pack(t, Options{Dir: dir})
			if a.IgnoreFile != "Dockerfile.dockerignore" {
				t.Errorf("rules of %q", a.IgnoreFile)
			}
			sameWords(t, "packed", strings.Replace(names(all), "Dockerfile", "", 1), tt.want)
			sameWords(t, "kept out", strings.Join(a.KeptOut, " "), tt.kept)
			if *withDocker > 0 {
				sameAsDocker(t, dir, "", all)
			}
		})
	}
}

func sameWords(t *testing.T, what, got, want string) {
	t.Helper()
	has := map[string]int{}
	for _, word := range strings.Fields(got) {
		has[word]++
	}
	for _, word := range strings.Fields(want) {
		has[word]--
	}
	for word, n := range has {
		if n != 0 {
			t.Errorf("%s: %q\nwant: %q\n%q %+d", what, got, want, word, n)
		}
	}
}

// TestRuleFiles is about where rules come from.
func TestRuleFiles(t *testing.T) {
	for _, tt := range []struct {
		name, files, dockerfile, want, file, kept string
		rules                                     map[string]string
		exclude                                   []string
	}{
		{name: "none: the platform's", file: "", kept: ".env c/tls.key", want: "Dockerfile bot.py a/distx a/built a/b/ c/", files: "Dockerfile bot.py .git/config .gitignore a/.git " +
			"a/b/__pycache__/x.pyc x.pyo a/lib.so .venv/bin/x venv/x ENV/x a/env/x .coverage htmlcov/x .idea/x a/.x.swp dist/x a/dist/x a/distx build/x a/built " +
			"x.egg-info/y node_modules/x/y a/node_modules/z .claude/x pcc-deploy.toml .DS_Store x.log a/b/x.log .cache/x .env c/tls.key a/.pyc"},
		{name: "none, and more", want: "Dockerfile bot.py dist/x", files: "Dockerfile bot.py dist/x a/x b/x", exclude: []string{"a\n# c\n", "b", "!dist", "!c"}},
		{name: "none, and a secret back in", want: "Dockerfile .env a/", kept: "a/.env", files: "Dockerfile .env a/.env a/dist/", exclude: []string{"!.env", "a/di*"}},
		{name: "the context's", file: ".dockerignore", want: "Dockerfile .dockerignore x.log", kept: ".git/", files: "Dockerfile .git/x x.log a",
			rules: map[string]string{".dockerignore": "a"}},
		{name: "an empty one decides, too", file: ".dockerignore", want: "Dockerfile .dockerignore node_modules/x", files: "Dockerfile node_modules/x",
			rules: map[string]string{".dockerignore": ""}},
		{name: "the Dockerfile's own", file: "Dockerfile.dockerignore", want: "Dockerfile Dockerfile.dockerignore .dockerignore a", files: "Dockerfile a b",
			rules: map[string]string{".dockerignore": "a", "Dockerfile.dockerignore": "b"}},
		{name: "another Dockerfile's own", file: "ci/bot.Dockerfile.dockerignore", dockerfile: "./ci/../ci/bot.Dockerfile", files: "Dockerfile ci/bot.Dockerfile ci/a a b", want: "ci/bot.Dockerfile a b",
			rules: map[string]string{".dockerignore": "a", "ci/bot.Dockerfile.dockerignore": "ci\n.dockerignore\nDockerfile"}},
		{name: "not another Dockerfile's", file: ".dockerignore", dockerfile: "b.Dockerfile", files: "Dockerfile b.Dockerfile a b", want: "Dockerfile b.Dockerfile .dockerignore Dockerfile.dockerignore b",
			rules: map[string]string{".dockerignore": "a", "Dockerfile.dockerignore": "b"}},
		{name: "it is a file as any", file: ".dockerignore", want: "Dockerfile b", files: "Dockerfile b",
			rules: map[string]string{".dockerignore": ".dockerignore"}},
		{name: "on top of it", file: ".dockerignore", want: "Dockerfile .dockerignore a", files: "Dockerfile a b c",
			rules: map[string]string{".dockerignore": "a\nb"}, exclude: []string{"!a", "c"}},
		{name: "a link to it", file: ".dockerignore", want: "Dockerfile .dockerignore->rules rules b", files: "Dockerfile a b .dockerignore->rules",
			rules: map[string]string{"rules": "a"}},
		{name: "the Dockerfile is always in", file: ".dockerignore", dockerfile: "ci/Dockerfile", want: "ci/Dockerfile", files: "ci/Dockerfile ci/x a",
			rules: map[string]string{".dockerignore": "**\nci\nci/Dockerfile"}, exclude: []string{"**/Dockerfile"}},
		{name: "even by a secret's name", dockerfile: "a.key/.env", want: "a.key/.env", kept: "a.key/", files: "a.key/.env a.key/x"},
		{name: "and what it is a link to", file: ".dockerignore", want: "Dockerfile->ci/Dockerfile ci->etc/ci etc/ci/Dockerfile->docker etc/ci/docker", files: "Dockerfile->ci/Dockerfile ci->etc/ci etc/ci/Dockerfile->docker etc/ci/docker x",
			rules: map[string]string{".dockerignore": "*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, tt.files)
			for name, text := range tt.rules {
				write(t, dir, name, text)
			}
			a, all := pack(t, Options{Dir: dir, Dockerfile: tt.dockerfile, Exclude: tt.exclude})
			sameWords(t, "packed", names(all), tt.want)
			sameWords(t, "kept out", strings.Join(a.KeptOut, " "), tt.kept)
			if a.IgnoreFile != tt.file {
				t.Errorf("rules of %q", a.IgnoreFile)
			}
			if *withDocker > 0 && tt.file != "" && tt.exclude == nil {
				sameAsDocker(t, dir, tt.dockerfile, all)
			}
		})
	}
}

// TestPruning sees which folders are looked into.
func TestPruning(t *testing.T) {
	for _, tt := range []struct{ ignore, want string }{
		{"", ". a a/b a/b/c n n/m"},
		{"n", ". a a/b a/b/c"},
		{"n\n!a", ". a a/b a/b/c"},
		{"n\n!n/x", ". a a/b a/b/c n"},
		{"n\n!n/*/x", ". a a/b a/b/c n n/m"},
		{"n\n!n/m/**", ". a a/b a/b/c n n/m"},
		{"*\n!*.py", "."},
		{"*\n!*/x", ". a n"},
		{"*\n!?\n?", "."},
		{"*\n!?/b/x", ". a a/b n"},
		{"*\n!**/x", ". a a/b a/b/c n n/m"},
		{"*\n!a[^x]b/c", ". a a/b a/b/c n n/m"},
		{"**/b", ". a n n/m"},
	} {
		dir := tree(t, "a/b/c/x n/m/x n/x a/y Dockerfile")
		write(t, dir, ".dockerignore", tt.ignore)
		var got []string
		pack(t, Options{Dir: dir, open: func(root *os.Root, name string) (*os.File, error) {
			f, err := openFile(root, name)
			if info, _ := f.Stat(); info.IsDir() {
				got = append(got, name)
			}
			return f, err
		}})
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%q: looked into %q, want %q", tt.ignore, s, tt.want)
		}
	}
}

// TestExcludedCount holds how much the rules are said to leave out: each file, and each
// folder that is left out as a whole, wherever the rule is. Secrets that are out in any
// case, and the Dockerfile, are not among it.
func TestExcludedCount(t *testing.T) {
	for _, tt := range []struct {
		ignore, exclude string
		want            int
	}{
		{"", "", 0},
		{"none", "", 0},
		{"a.md", "", 1},
		{"**/tests", "", 2},
		{"**/tests\n!sub/tests/x", "", 1},
		{"*\n!sub/*.py", "", 5},
		{"a.md", "frontend/\nsub/tests", 3},
		{"Dockerfile", "", 0},
		{"sub\n.env", "", 2},
	} {
		dir := tree(t, "Dockerfile a.md .env tests/x tests/y sub/tests/x sub/b.py frontend/c/d frontend/e")
		write(t, dir, ".dockerignore", ".dockerignore\n"+tt.ignore)
		a, _ := pack(t, Options{Dir: dir, Exclude: []string{tt.exclude}})
		if a.Excluded != tt.want {
			t.Errorf("%q and %q: excluded %d, want %d", tt.ignore, tt.exclude, a.Excluded, tt.want)
		}
	}
}

// FuzzRules sees that no pattern breaks the rules, and that a folder is left
// aside only where all in it is out.
func FuzzRules(f *testing.F) {
	for _, patterns := range []string{
		"*\n!a", "a\n!a/b/c", "**\n!**/b", "[^b]\n!a[^b]c", "a/**\n!a/*/c", "!", "!!a", "[", "a\\", "a**/b\n!b**", "[b-a]", "**/\n!a/**/c", "*\n!./a//b\n\\a\n!\\a", "a?c\n!a\n?",
	} {
		f.Add(patterns, "a/b/c")
	}
	f.Add("**/é\n!a*", "é/\xff/\n")
	paths := []string{"a", "a/b", "a/b/c", "a/c", "b", "b/a", "b/a/c", "abc", "abc/b", "a/.env", "a/.env/b", "c.key"}
	f.Fuzz(func(t *testing.T, text, name string) {
		var r rules
		var patterns []string
		for i, line := range strings.Split(text, "\n") {
			more, err := parse(line, i == 0)
			if err == nil {
				patterns = append(patterns, more...)
			}
		}
		if err := r.compile(patterns); err != nil {
			t.Fatalf("%q: %v", patterns, err)
		}
		all := paths
		if fs.ValidPath(name) && name != "." {
			all = append(all[:len(all):len(all)], name)
		}
		for _, name := range all {
			var now decision
			left := ""
			parts := strings.Split(name, "/")
			for i := range parts {
				at := strings.Join(parts[:i+1], "/")
				var err error
				if now, err = r.decide(at, now); err != nil {
					t.Fatalf("%q on %q: %v", patterns, at, err)
				}
				if left != "" && !now.out && !now.secret {
					t.Errorf("%q: %q is in, and %q would not be looked into", patterns, at, left)
				}
				if left == "" && (now.out || now.secret) && r.cannotReinclude(at) {
					left = at
				}
			}
			if len(r.negations) > 0 || now.secret {
				continue
			}
			if docker, err := patternmatcher.MatchesOrParentMatches(name, patterns); err == nil && docker != now.out {
				t.Errorf("%q: %q is out: %v, but %v for Docker", patterns, name, now.out, docker)
			}
		}
	})
}
