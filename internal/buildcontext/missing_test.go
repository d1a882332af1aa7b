package buildcontext

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/scratch"
)

// TestMissing holds what is said of a Dockerfile's sources, and that nothing is said
// of those that are there. What is wanted is LINE REASON PATHS, with ! where the
// build fails, and then the rule, the link or the place where it is instead.
func TestMissing(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"
	for _, tt := range []struct {
		name, files, dockerfile, ignore string
		texts                           map[string]string
		o                               Options // its Dir is in the workspace, where the files are
		want                            string  // several by |
	}{
		{name: "all is there", files: "bot.py a/b/x prompts/x", dockerfile: "COPY bot.py ./a/b /prompts/ /app/\nCOPY . .\nRUN --mount=type=bind,source=a/b/x,target=/x x"},
		{name: "ignored", files: "prompts/hello.md", dockerfile: "COPY prompts/hello.md /", ignore: "# c\ntests\n  **/*.md\n", want: `2 ignored! prompts/hello.md: **/*.md .dockerignore:3`},
		{name: "ignored by its folder", files: "a/b/x", dockerfile: "COPY a/b/x a/b a /", ignore: "/a/\n", want: `2 ignored! a/b/x: /a/ .dockerignore:1|2 ignored! a/b: /a/ .dockerignore:1|2 ignored! a: /a/ .dockerignore:1`},
		{name: "ignored by the last pattern", files: "x.md", dockerfile: "COPY x.md /", ignore: "\ufeffx.md\n!x.md\n*.md\n!y.md\nz\n", want: `2 ignored! x.md: *.md .dockerignore:3`},
		{name: "ignored by the first line", files: "x.md", dockerfile: "COPY x.md /", ignore: "\ufeff*.md\n", want: `2 ignored! x.md: *.md .dockerignore:1`},
		{name: "back in", files: "x.md", dockerfile: "COPY x.md /", ignore: "*.md\n!x.md\n"},
		{name: "ignored by the input", files: "x.md", dockerfile: "COPY x.md /", ignore: "*.md\n", o: Options{Exclude: []string{"a\nb", "!x.md\nx*\n"}}, want: `2 ignored! x.md: x* build-exclude`},
		{name: "in the platform's list", files: "dist/a.whl x.log", dockerfile: "COPY dist/a.whl .\nCOPY x.log .", want: `2 ignored! dist/a.whl: **/dist|3 ignored! x.log: **.log`},
		{name: "ignored, for a mount", files: ".git/HEAD uv.lock", dockerfile: "RUN --mount=type=bind,source=uv.lock,target=/uv.lock --mount=type=bind,source=.git,target=/.git x", ignore: "uv.*\n", want: `2 ignored! uv.lock: uv.* .dockerignore:1|2 secret! .git`},
		{name: "a mount of all", files: "x", dockerfile: "RUN --mount=target=/src x"},
		{name: "a secret", files: ".env keys/service.key x", dockerfile: "COPY .env .\nCOPY keys/service.key /", ignore: "tests\n", want: `2 secret! .env|3 secret! keys/service.key`},
		{name: "a secret without an ignore file", files: ".env x", dockerfile: "COPY .env .", want: `2 secret! .env`},
		{name: "a secret that is named", files: ".env", dockerfile: "COPY .env .", ignore: "!.env\n"},
		{name: "a secret that is ignored", files: ".env x", dockerfile: "COPY .env .", ignore: "a\n.env*\n", want: `2 ignored! .env: .env* .dockerignore:2 secret`},
		{name: "in a secret folder", files: ".ssh/known_hosts x", dockerfile: "COPY .ssh/known_hosts /", ignore: "\n", want: `2 secret! .ssh/known_hosts`},
		{name: "a folder of secrets", files: "certs/a.pem certs/b/c.key x", dockerfile: "COPY certs/ /certs", ignore: "\n", want: `2 secret certs/a.pem`},
		{name: "a folder that has more", files: "certs/a.pem certs/b/c.crt", dockerfile: "COPY certs/ /certs", ignore: "\n"},
		{name: "a folder without its files", files: "models/a/b x", dockerfile: "COPY models models/a /", ignore: "models/**\n!models/a\nmodels/a/*\n", want: `2 ignored models/a/b: models/a/* .dockerignore:3|2 ignored models/a/b: models/a/* .dockerignore:3`},
		{name: "an empty folder", files: "empty/ x", dockerfile: "COPY empty /"},
		{name: "not there", files: "bot.py", dockerfile: "COPY requirements.txt a/b /", want: `2 not-there! requirements.txt|2 not-there! a/b`},
		{name: "not there, beneath a file", files: "bot.py", dockerfile: "COPY bot.py/x /", want: `2 not-there! bot.py/x`},
		{name: "in other letters", files: "README.md", dockerfile: "COPY Readme.md /", want: `2 not-there! Readme.md: README.md`},
		{name: "beside the Dockerfile", files: "server/bot.py x", dockerfile: "COPY bot.py x /", o: Options{Dockerfile: "server/Dockerfile"}, want: `2 not-there! bot.py: server/bot.py`},
		{name: "not committed", files: "bot.py", texts: map[string]string{".gitignore": "# c\n*.log\n/dist/\n"}, dockerfile: "COPY dist/a.whl /\nCOPY a/x.log /\nCOPY lib/dist /", want: `2 not-committed! dist/a.whl: /dist/ .gitignore:3|3 not-committed! a/x.log: *.log .gitignore:2|4 not-there! lib/dist`},
		{name: "not committed, by the folder's rules", files: "app/x", o: Options{Dir: "app"}, texts: map[string]string{".gitignore": "*.bin\n", "app/.gitignore": "!a.bin\nbuild\n"}, dockerfile: "COPY a.bin /\nCOPY b.bin build/x /",
			want: `2 not-there! a.bin|3 not-committed! b.bin: *.bin .gitignore:1|3 not-committed! build/x: build app/.gitignore:2`},
		{name: "above", files: "server/bot.py common/x", o: Options{Dir: "server"}, dockerfile: "COPY ../common/x ../none /", want: `2 outside! common/x: common/x|2 outside! none`},
		{name: "above, but the builder stays in", files: "bot.py", dockerfile: "COPY ../bot.py /"},
		{name: "a link out", files: "app/conf->../common/conf app/sys->/etc common/conf", o: Options{Dir: "app"}, dockerfile: "COPY conf /\nCOPY sys/hosts /", want: `2 link-outside! conf: ../common/conf|3 link-outside! sys: /etc`},
		{name: "a link out, of the same name", files: "app/conf->../conf app/a->../b app/b->../a conf/x b a", o: Options{Dir: "app"}, dockerfile: "COPY conf /\nCOPY conf/x a /", want: `2 link-outside! conf: ../conf|3 link-outside! conf: ../conf|3 link-outside! a: ../b`},
		{name: "links that the builder follows", files: "a/x a/l->/a/x b->a c->b/x d->/a/x e->../../a", dockerfile: "COPY b/x c d e a/l b/l /"},
		{name: "a link to what is ignored", files: "a.md b->a.md", dockerfile: "COPY b /", ignore: "*.md\n", want: `2 ignored! a.md: *.md .dockerignore:1`},
		{name: "a link to nothing", files: "b->none", dockerfile: "COPY b /", want: `2 not-there! none`},
		{name: "links in a circle", files: "a->b b->a", dockerfile: "COPY a /"},
		{name: "a pattern", files: "a.py b.md", dockerfile: "COPY *.py *.lock* /"},
		{name: "a pattern of what is ignored", files: "docs/a.md docs/b.md docs/c.txt", dockerfile: "COPY docs/*.md /", ignore: "**/*.md\n", want: `2 ignored docs/a.md docs/b.md: **/*.md .dockerignore:1`},
		{name: "a pattern of secrets", files: ".env .env.local x", dockerfile: "COPY .env* /", ignore: "\n", want: `2 secret .env .env.local`},
		{name: "a pattern of several reasons", files: "conf/.env conf/a.md conf/b.key", dockerfile: "COPY conf/* /", ignore: "**/*.md\n", want: `2 secret conf/.env conf/b.key`},
		{name: "a pattern of some that are ignored", files: "a.md b.md", dockerfile: "COPY *.md /", ignore: "a.md\n"},
		{name: "a pointer", files: "x", texts: map[string]string{"models/a.onnx": pointer, "models/b.onnx": pointer, "c.bin": pointer, "d.bin": pointer}, dockerfile: "COPY models/a.onnx /\nCOPY models *.bin /", want: `2 lfs-pointer models/a.onnx|3 lfs-pointer models/b.onnx|3 lfs-pointer c.bin d.bin`},
		{name: "pointers in all", files: "x", texts: map[string]string{"a.onnx": pointer}, dockerfile: "COPY . .", want: `2 lfs-pointer a.onnx`},
		{name: "a pointer that is not copied", files: "x", texts: map[string]string{"a.onnx": pointer}, dockerfile: "COPY x ."},
		{name: "no pointers", files: "x", texts: map[string]string{"a": "see " + pointer, "b": pointer + strings.Repeat("x", 2000), "c": pointer[:20]}, dockerfile: "COPY . ."},
		{name: "a submodule", files: "x lib/", texts: map[string]string{".gitmodules": "[submodule \"lib\"]\n\tpath = lib\n\turl = https://x/lib.git\n"}, dockerfile: "COPY lib lib/setup.py libs/x /", want: `2 submodule lib|2 submodule! lib/setup.py|2 not-there! libs/x`},
		{name: "a submodule that is there", files: "lib/", texts: map[string]string{".gitmodules": "[submodule \"lib\"]\n\tpath = lib\n", "lib/.git": "gitdir: x", "lib/a": ""}, dockerfile: "COPY lib lib/setup.py /", want: `2 not-there! lib/setup.py`},
		{name: "a submodule of the context's folder", files: "app/lib/ app/x lib/", o: Options{Dir: "app"}, texts: map[string]string{".gitmodules": "\tpath = app/lib/\r\n\tpath = lib\n"}, dockerfile: "COPY lib /", want: `2 submodule lib`},
		{name: "other stages", files: "x", dockerfile: "COPY none /\nFROM y AS b\nCOPY none2 /\nFROM x\nCOPY --from=b / /\nCOPY --from=c none3 /", want: `4 not-there! none2`},
		{name: "what is not known", files: "x", dockerfile: "COPY $A/x ${B} /\nADD https://x/y git@x:y/z.git /\nCOPY <<EOF /\nEOF"},
		{name: "a comment behind its words", files: "x", dockerfile: "COPY x . # the bot\nCOPY #x /", want: `2 not-there! #|3 not-there! #x`},
		{name: "a Dockerfile that is not understood", files: "x", dockerfile: "COPY none /\nCOPPY x /"},
		{name: "the Dockerfile itself", files: "x", dockerfile: "COPY Dockerfile x /", ignore: "*\n!x\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Workspace = tree(t, tt.files)
			for name, text := range tt.texts {
				write(t, tt.o.Workspace, name, text)
			}
			dir := filepath.Join(tt.o.Workspace, tt.o.Dir)
			file := "Dockerfile"
			if tt.o.Dockerfile != "" {
				file = tt.o.Dockerfile
			}
			write(t, dir, "always", "")
			write(t, dir, file, "FROM x\n"+tt.dockerfile+"\n")
			if tt.ignore != "" {
				write(t, dir, ".dockerignore", tt.ignore)
			}
			a, _ := pack(t, tt.o)
			var got []string
			for _, m := range a.Missing {
				got = append(got, describeMissing(m))
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("missing %s\nwant    %s", s, tt.want)
			}
			if a.Dir != tt.o.Dir {
				t.Errorf("the context is in %q", a.Dir)
			}
		})
	}
}

// TestNothingThere holds that a context which has nothing of what is copied is not said to
// be ignored: each source is reported.
func TestNothingThere(t *testing.T) {
	dir := tree(t, "x")
	write(t, dir, "Dockerfile", "FROM x\nCOPY a b/c /\n")
	write(t, dir, ".dockerignore", "x\n")
	a, _ := pack(t, Options{Dir: dir})
	if len(a.Missing) != 2 || a.Missing[0].Reason != NotThere || a.Missing[1].Reason != NotThere {
		t.Errorf("missing %+v", a.Missing)
	}
}

func describeMissing(m Missing) string {
	s := fmt.Sprintf("%d %s", m.Line, m.Reason)
	if m.Fails {
		s += "!"
	}
	s += " " + strings.Join(m.Paths, " ")
	about := strings.TrimSpace(fmt.Sprint(m.Rule.Pattern, " ", m.Rule.Input, m.Rule.File, m.Link, m.Elsewhere))
	if m.Rule.Line > 0 {
		about += fmt.Sprintf(":%d", m.Rule.Line)
	}
	if m.IsSecret {
		about += " secret"
	}
	if about != "" {
		s += ": " + about
	}
	return s
}

// TestInclude holds that the pattern which users are advised to add includes that path,
// whatever its name is, and no other.
func TestInclude(t *testing.T) {
	for _, name := range []string{".env", "a/b.key", ".git/", "x [1].pem", "a*b.key", `a\b.key`, "!x.key", "#x.key", "sub/é ü.pem"} {
		dir := tree(t, "Dockerfile other.key")
		write(t, dir, strings.TrimSuffix(name, "/")+map[bool]string{true: "/x"}[strings.HasSuffix(name, "/")], "x")
		for _, o := range []Options{{Exclude: []string{Include(name)}}, {}} {
			if o.Exclude == nil {
				write(t, dir, ".dockerignore", "*.key\n.env\n.git\n**/*.pem\n"+Include(name)+"\n")
			}
			o.Dir = dir
			a, _ := pack(t, o)
			if !slices.Equal(a.NamedIn, []string{name}) || slices.Contains(a.KeptOut, name) {
				t.Errorf("%s by %s: named %q, kept out %q", name, Include(name), a.NamedIn, a.KeptOut)
			}
		}
	}
}

// TestRandomMissing holds what is said of random sources in random contexts to what
// a build would find in the packed files.
func TestRandomMissing(t *testing.T) {
	said := 0
	for seed := range 300 {
		random := rand.New(rand.NewPCG(uint64(seed), 7))
		one := func(words ...string) string { return words[random.IntN(len(words))] }
		some := func() string {
			name := one("a", "b", ".env", "x.key")
			for random.IntN(2) == 0 {
				name += "/" + one("a", "b", "c.pem")
			}
			return name
		}
		dir := scratch.Dir(t)
		for range 8 {
			name := filepath.Join(dir, some())
			if os.MkdirAll(filepath.Dir(name), 0o755) != nil {
				continue
			}
			if random.IntN(5) == 0 {
				_ = os.Symlink(one("a", "b", "b/a", "none"), name)
				continue
			}
			_ = os.WriteFile(name, nil, 0o644)
		}
		var sources []string
		text := "FROM x\n"
		for range 6 {
			sources = append(sources, some())
			text += "COPY " + sources[len(sources)-1] + " /x/\n"
		}
		write(t, dir, "Dockerfile", text)
		write(t, dir, ".dockerignore", one("", "!")+some()+"\n"+one("a/*", "**/b", "*.key", "")+"\n"+one("", "!")+some()+"\n")
		o := Options{Dir: dir}
		a, err := Pack(t.Context(), o)
		if err != nil {
			continue // nothing is left to copy
		}
		fails := map[int]bool{}
		for _, m := range a.Missing {
			fails[m.Line] = fails[m.Line] || m.Fails
		}
		out := scratch.Dir(t)
		for _, p := range unpack(t, a) {
			name := filepath.Join(out, p.Name)
			switch {
			case p.Linkname != "":
				err = os.Symlink(p.Linkname, name)
			case strings.HasSuffix(p.Name, "/"):
				err = os.Mkdir(name, 0o755)
			default:
				err = os.WriteFile(name, []byte(p.text), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		a.Close()
		for i, s := range sources {
			_, err := os.Stat(filepath.Join(out, s))
			if missing := err != nil; missing != fails[i+2] && !strings.Contains(fmt.Sprint(err), "too many") {
				t.Errorf("seed %d: %s fails: %v, but %v is said; %v", seed, s, missing, fails[i+2], err)
			} else if missing {
				said++
			}
		}
	}
	if said < 100 {
		t.Errorf("only %d sources were missing", said)
	}
}

// TestGitignored holds a .gitignore's rules to those of Git.
func TestGitignored(t *testing.T) {
	for _, tt := range []struct{ rules, name, want string }{
		{"dist", "dist", "dist:1"},
		{"dist", "a/dist/x", "dist:1"},
		{"dist/", "a/dist/x", "dist/:1"},
		{"/dist", "dist/x", "/dist:1"},
		{"/dist", "a/dist", ""},
		{"a/dist", "a/dist/x", "a/dist:1"},
		{"a/dist", "b/a/dist", ""},
		{"**/dist", "b/a/dist", "**/dist:1"},
		{"*.bin", "a/x.bin", "*.bin:1"},
		{"*.bin\n!x.bin", "x.bin", ""},
		{"*.bin\n!x.bin\nx*", "x.bin", "x*:3"},
		{"!x.bin\n*.bin\n*.b*", "x.bin", "*.bin:2"},
		{"# x", "# x", ""},
		{"\\# x", "# x", "\\# x:1"},
		{"\\!x", "!x", "\\!x:1"},
		{"[!a]x", "bx", "[!a]x:1"},
		{"[!a]x", "ax", ""},
		{"x  \r\n\n", "x", "x:1"},
		{"x", "xy", ""},
		{"[", "[", ""},
		{"/", "a", ""},
	} {
		dir := scratch.Dir(t)
		write(t, dir, ".gitignore", tt.rules)
		got := ""
		if rule, ok := gitignored(dir, tt.name); ok {
			got = fmt.Sprintf("%s:%d", rule.Pattern, rule.Line)
		}
		if got != tt.want {
			t.Errorf("%q on %q: %q, want %q", tt.rules, tt.name, got, tt.want)
		}
	}
	if _, ok := gitignored("", "x"); ok {
		t.Error("ignored without a workspace")
	}
}
