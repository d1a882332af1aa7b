package diagnosis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/buildcontext"
)

// TestCopyAdvice holds what is advised of a path that a build did not find, by the
// reason for which the build context lacks it.
func TestCopyAdvice(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Dockerfile": "FROM x\n", ".dockerignore": "*.md\n", ".gitignore": "dist/\n", ".gitmodules": "\tpath = lib\n",
		"Voices.wav": "", "notes.md": "", "a.key": "", "bot.py": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../elsewhere", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	facts := Facts{Context: &buildcontext.Options{Dir: dir, Workspace: dir}}
	for name, want := range map[string]string{
		"/none.py":      "The build context has no `none.py`: correct the path in the Dockerfile",
		"/voices.wav":   "Write `voices.wav` in the Dockerfile as the file is called, `Voices.wav`",
		"/dist/a.whl":   "`dist/a.whl` is not committed, because `.gitignore` has `dist/`",
		"/lib/setup.py": "`lib/setup.py` is in a submodule of Git that is not checked out: set `submodules: true`",
		"/notes.md":     "`.dockerignore` excludes `notes.md` from the build: add the pattern `!notes.md` to it",
		"/a.key":        "`a.key` is left out of the build because it may hold a secret",
		"/out/x":        "`out/x` is a symbolic link, or beyond one, that leads out of `build-context`",
		"/bot.py":       "", // it is there
		"/cut…":         "",
	} {
		if got := copyAdvice(facts, name); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := copyAdvice(Facts{}, "/none.py"); got != "" {
		t.Errorf("without a context: %q", got)
	}
}
