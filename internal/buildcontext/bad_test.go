package buildcontext

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/scratch"
)

// TestBadInput holds that what a user can correct is reported, with what to do, and
// before anything is written.
func TestBadInput(t *testing.T) {
	around := scratch.Dir(t)
	write(t, around, "beside/Dockerfile", "FROM x\n")
	write(t, around, "Dockerfile", "FROM x\n")
	for _, tt := range []struct {
		name, files string
		rules       map[string]string
		o           Options // its Dir is in the workspace
		input, want string  // of the error; several texts between |
	}{
		{"no such context", "a", nil, Options{Dir: "agent"}, inputContext, `"agent" does not exist; does the job check out`},
		{"a file", "Dockerfile", nil, Options{Dir: "Dockerfile"}, inputContext, `"Dockerfile" is a file; name the folder`},
		{"in a file", "a", nil, Options{Dir: "a/b"}, inputContext, `"a/b" cannot be opened: `},
		{"empty", "", nil, Options{}, inputDockerfile, `"Dockerfile" is not in the build context; the context is empty; does the job`},
		{"out by dots", "a/Dockerfile", nil, Options{Dir: "../beside"}, inputContext, `"../beside" is outside of the workspace "`},
		{"out by dots, to nothing", "a/Dockerfile", nil, Options{Dir: "a/../../nothing"}, inputContext, `"a/../../nothing" is outside of the workspace "`},
		{"out by an absolute path", "a", nil, Options{Dir: filepath.Join(around, "beside")}, inputContext, `is outside of the workspace "`},
		{"out by a link", "l->../beside", nil, Options{Dir: "l"}, inputContext, `"l" leads out of the workspace by a symbolic link, to "`},
		{"out beyond a link", "l->..", nil, Options{Dir: "l/beside"}, inputContext, `"l/beside" leads out of the workspace by a symbolic link, to "`},
		{"a link to nothing", "l->none", nil, Options{Dir: "l"}, inputContext, `"l" does not exist`},
		{"links in a circle", "l->m m->l", nil, Options{Dir: "l"}, inputContext, `"l" cannot be opened: `},
		{"nothing left", "a b/c", map[string]string{".dockerignore": "*", "Dockerfile": "FROM x\nCOPY . .\n"}, Options{}, inputContext, `it is empty but for its Dockerfile, which copies from it: the ignore rules leave out all else; take back in`},
		{"nothing left of what is copied", "a build/x", map[string]string{".dockerignore": "a\nbuild/", "Dockerfile": "FROM x\nCOPY none build /\n"}, Options{}, inputContext, `which copies from it: "build" is left out by "build/"; to include it, add "!build" to .dockerignore`},
		{"nothing left by the platform's list", "lib/a.so", map[string]string{"Dockerfile": "FROM x\nCOPY lib/a.so /\n"}, Options{}, inputContext, `"lib/a.so" is left out by "**.so"; to include it, add "!lib/a.so" to build-exclude`},
		{"nothing but a key", "a.key", map[string]string{"Dockerfile": "FROM x\nCOPY a.key /\n"}, Options{}, inputContext, `which copies from it: "a.key" may hold secrets; to include it, add "!a.key" to build-exclude`},
		{"nothing but a secret", ".env", map[string]string{"Dockerfile": "FROM x\nCOPY . .\n"}, Options{}, inputContext, `it is empty but for its Dockerfile`},

		{"no Dockerfile", "bot.py a/x", nil, Options{}, inputDockerfile, `"Dockerfile" is not in the build context; there is no Dockerfile at all, but "a", "bot.py"`},
		{"another Dockerfile", "a/b/bot.Dockerfile x.py Containerfile a/Dockerfile.dev dockerfile.dockerignore .git/Dockerfile node_modules/x/Dockerfile", nil, Options{Dockerfile: "deploy/Dockerfile"},
			inputDockerfile, `"deploy/Dockerfile" is not in the build context; these are there: "Containerfile", "a/Dockerfile.dev", "a/b/bot.Dockerfile"`},
		{"many Dockerfiles", strings.Join(func() (s []string) {
			for i := range 14 {
				s = append(s, fmt.Sprintf("Dockerfile.%02d", i))
			}
			return s
		}(), " "), nil, Options{}, inputDockerfile, `"Dockerfile.09" and 4 more`},
		{"one Dockerfile, and what it copies", "bot.py server/bot.py server/x.py", map[string]string{"server/Dockerfile": "FROM x\nCOPY x.py .\n"}, Options{}, inputDockerfile,
			`these are there: "server/Dockerfile"; set build-context: server, because what it copies is in that folder (with dockerfile: server/Dockerfile alone it would not be found)`},
		{"one Dockerfile, beside what it copies", "a/bot.py", map[string]string{"a/docker/bot.Dockerfile": "FROM x\nCOPY bot.py .\n"}, Options{Dir: "a"}, inputDockerfile,
			`; set dockerfile: docker/bot.Dockerfile, because what it copies is beside that folder (with build-context: a/docker and dockerfile: bot.Dockerfile it would not be found)`},
		{"one Dockerfile, in a folder of the working directory", "a/server/x", map[string]string{"a/server/Dockerfile": "FROM x\nCOPY x .\n"}, Options{Dir: "a", Input: "."}, inputDockerfile, `; set build-context: server, because`},
		{"one Dockerfile, that copies all", "x", map[string]string{"my agent/Dockerfile": "FROM x\nCOPY . .\n"}, Options{}, inputDockerfile,
			`; set build-context: "my agent" if what it copies is in that folder, or else dockerfile: "my agent/Dockerfile"`},
		{"one Dockerfile, of another name", "bot.py Containerfile", nil, Options{}, inputDockerfile, `these are there: "Containerfile"; set dockerfile: Containerfile`},
		{"a folder", "Dockerfile/x a/Dockerfile", nil, Options{}, inputDockerfile, `"Dockerfile" is a folder; these are there: "a/Dockerfile"`},
		{"the context itself", "Dockerfile", nil, Options{Dockerfile: "."}, inputDockerfile, `"." is a folder`},
		{"beyond a file", "bot.py Dockerfile", nil, Options{Dockerfile: "bot.py/Dockerfile"}, inputDockerfile, `"bot.py/Dockerfile" is not in the build context; these are there: "Dockerfile"`},
		{"beside the context", "a/x Dockerfile", nil, Options{Dir: "a", Dockerfile: "../Dockerfile"}, inputDockerfile, `"../Dockerfile" is outside of the build context; give its path within build-context`},
		{"absolute", "Dockerfile", nil, Options{Dockerfile: filepath.Join(around, "Dockerfile")}, inputDockerfile, `is outside of the build context`},
		{"a link out", "Dockerfile->../Dockerfile", nil, Options{}, inputDockerfile, `"Dockerfile" is a symbolic link, or beyond one, that leads out of the build context`},
		{"an absolute link", "Dockerfile->" + filepath.Join(around, "Dockerfile"), nil, Options{}, inputDockerfile, `leads out of the build context`},
		{"beyond a link out", "ci->../beside", nil, Options{Dockerfile: "ci/Dockerfile"}, inputDockerfile, `leads out of the build context`},
		{"out and in again", "Dockerfile->../space/a a", nil, Options{}, inputDockerfile, `leads out of the build context`},
		{"a link to no file", "Dockerfile->none a", nil, Options{}, inputDockerfile, `"Dockerfile" is not in the build context; these are there: "Dockerfile"`},
		{"a circle", "Dockerfile->b b->Dockerfile", nil, Options{}, inputDockerfile, `more than 40 symbolic links`},

		{"a pattern", "Dockerfile", map[string]string{".dockerignore": "# x\n\na\n[\n"}, Options{}, "", `.dockerignore:4: "[" is not a pattern that Docker reads: syntax error in pattern; a [ needs its ]`},
		{"several", "Dockerfile", map[string]string{"Dockerfile.dockerignore": "a[\n!\r\nb\n[b-a]\nc\\\n![z-a]"}, Options{Exclude: []string{"ok", "x\n[y\n"}}, "",
			`Dockerfile.dockerignore:1: "a[" is|Dockerfile.dockerignore:2: "!" is|Dockerfile.dockerignore:4: "[b-a]" is|Dockerfile.dockerignore:5: "c\\" is|Dockerfile.dockerignore:6: "![z-a]" is|build-exclude: "[y" is not a pattern`},
		{"a tab and a comment", "Dockerfile", map[string]string{".dockerignore": "\ta\t\nb\t# c\r\n"}, Options{}, "", `.dockerignore:2: "b\t# c" is not a pattern that Docker reads: it has a control character; `},
		{"a line without end", "Dockerfile", map[string]string{".dockerignore": "a\n" + strings.Repeat("x", 70_000)}, Options{}, "", `.dockerignore:2: "xxx`},
		{"a large file", "Dockerfile", map[string]string{".dockerignore": strings.Repeat("#\n", 600_000)}, Options{}, "", `.dockerignore: it is larger than 1 MB`},
		{"a folder of rules", "Dockerfile .dockerignore/x", nil, Options{}, "", `.dockerignore: it is not a regular file`},
		{"rules from outside", "Dockerfile .dockerignore->../beside/Dockerfile", nil, Options{}, "", `.dockerignore: it cannot be read: `},
		{"rules from nowhere", "Dockerfile .dockerignore->none", nil, Options{}, "", `.dockerignore: it is a symbolic link to nothing`},
		{"all at once", "x", map[string]string{".dockerignore": "["}, Options{Exclude: []string{"!"}}, inputDockerfile, `dockerfile: "Dockerfile" is not|.dockerignore:1: "["|build-exclude: "!" is`},
		{"quoted", "a\x1b[31m::error::x", nil, Options{}, inputDockerfile, `but "a\x1b[31m::error::x"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			workspace := filepath.Join(around, "space")
			if err := os.Rename(tree(t, tt.files), workspace); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(workspace)
			for name, text := range tt.rules {
				write(t, workspace, name, text)
			}
			tt.o.Workspace, tt.o.Temp = workspace, scratch.Dir(t)
			a, err := Pack(t.Context(), tt.o)
			if err == nil {
				t.Fatalf("packed: %v", unpack(t, a))
			}
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Input != tt.input {
				t.Errorf("an error of %+v", wrong)
			}
			if said := strings.Split(err.Error(), "\n"); len(said) != 1+strings.Count(tt.want, "|") {
				t.Errorf("it says %q", said)
			}
			for want := range strings.SplitSeq(tt.want, "|") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error: %v\nwithout %s", err, want)
				}
			}
			empty(t, tt.o.Temp)
		})
	}
}

// TestWhatIsThere holds that what is named is near, and the user's own.
func TestWhatIsThere(t *testing.T) {
	root, err := os.OpenRoot(tree(t, "a/a/Dockerfile z/bot.dockerfile Dockerfile.dockerignore .git/Dockerfile node_modules/Dockerfile x/Dockerfile/y"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if got := whatIsThere(root, Options{}); got != `these are there: "z/bot.dockerfile", "a/a/Dockerfile"` {
		t.Error(got)
	}
}

// TestContext is about contexts that are fine.
func TestContext(t *testing.T) {
	workspace := tree(t, "app/Dockerfile app/bot.py in->app ..x/Dockerfile")
	t.Chdir(workspace)
	for _, o := range []Options{
		{Dir: "app"},
		{Dir: "app", Workspace: "."},
		{Dir: "./..x/../app/", Workspace: workspace},
		{Dir: filepath.Join(workspace, "app"), Workspace: "."},
		{Dir: filepath.Join(workspace, "app")},
		{Dir: "in", Workspace: workspace}, // by a link within
		{Workspace: filepath.Join(workspace, "in")},
		{Dir: "app", Workspace: workspace, Dockerfile: "./Dockerfile"},
	} {
		a, all := pack(t, o)
		if got := names(all); got != "Dockerfile bot.py" || a.Dockerfile != "Dockerfile" {
			t.Errorf("%+v: %s", o, got)
		}
	}
	if _, all := pack(t, Options{Dir: "..x", Workspace: workspace}); names(all) != "Dockerfile" {
		t.Errorf("packed: %v", all)
	}
	if _, err := Pack(t.Context(), Options{Workspace: "none"}); err == nil || !strings.Contains(err.Error(), `the workspace "none" cannot be opened`) {
		t.Errorf("error: %v", err)
	}
}

// TestTooLarge holds that a walk alone reports a context that is too large.
func TestTooLarge(t *testing.T) {
	dir := tree(t, "Dockerfile out/x src/bot.py models/README")
	size := func(name string, mib int64) {
		put(t, dir, name, func(file string) error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, mib<<20))
		})
	}
	size("models/large/v3/a.bin", 300)
	size("models/large/v3/b.bin", 50)
	size("models/small/c.bin", 60)
	size("top.bin", 20)
	size("out/x", 700)
	for i := range 10 {
		size(fmt.Sprintf("data/%d/x", i), 10)
	}
	opened := 0
	_, err := Pack(t.Context(), Options{Dir: dir, Exclude: []string{"out"}, Temp: filepath.Join(dir, "none"), open: func(root *os.Root, name string) (*os.File, error) {
		f, err := openFile(root, name)
		if info, _ := f.Stat(); !info.IsDir() {
			opened++
		}
		return f, err
	}})
	const want = `build-context: 530.0 MB in 17 files, and the platform accepts 500.0 MB at most; leave out what the image does not need, by .dockerignore or build-exclude; its largest folders:
    410.0 MB  "models"
    350.0 MB  "models/large/v3"
    100.0 MB  "data"
     60.0 MB  "models/small"
     20.0 MB  "."
     10.0 MB  "data/0"
     10.0 MB  "data/1"
     10.0 MB  "data/2"
     10.0 MB  "data/3"
     10.0 MB  "data/4"`
	if err == nil || err.Error() != want {
		t.Errorf("error: %v", err)
	}
	if text, more := First(err); text != strings.SplitN(want, "\n", 2)[0] || !more {
		t.Errorf("first: %q, %t", text, more)
	}
	if opened > 0 {
		t.Errorf("%d files were opened", opened)
	}
	if (&contents{bytes: MaxUnpacked}).tooLarge() != nil || (&contents{bytes: MaxUnpacked + 1}).tooLarge() == nil {
		t.Error("the limit is another")
	}
}

// TestFirst holds what of an error is said in a line, and when that is not all.
func TestFirst(t *testing.T) {
	plain := &Error{Input: inputContext, Text: "it is empty"}
	large := &Error{Input: inputContext, Text: "it is too large", Folders: []Folder{{"a", 1 << 20}}}
	for _, tt := range []struct {
		err  error
		want string
		more bool
	}{
		{plain, "build-context: it is empty", false},
		{large, "build-context: it is too large; its largest folders:", true},
		{errors.Join(plain), "build-context: it is empty", false},
		{errors.Join(plain, plain), "build-context: it is empty", true},
		{errors.Join(nil, errors.Join(plain, large)), "build-context: it is empty", true},
		{errors.Join(errors.Join(large)), "build-context: it is too large; its largest folders:", true},
		{fmt.Errorf("packing: %w", os.ErrClosed), "packing: file already closed", false},
	} {
		if text, more := First(tt.err); text != tt.want || more != tt.more {
			t.Errorf("%v: got %q, %t", tt.err, text, more)
		}
	}
}
