package buildcontext

import (
	"os"
	"path/filepath"
	"testing"

	"pipecat-cloud-deploy/internal/scratch"
)

// TestExplain has each reason for a path to be absent beside one like it that is
// packed.
func TestExplain(t *testing.T) {
	own := map[string]string{"Dockerfile": "FROM x\n", "dist/x.whl": "", "keys/a.key": "", ".env": "", "Voices/one.wav": "", "notes.md": ""}
	ruled := map[string]string{"Dockerfile": "FROM x\n", ".dockerignore": "**/*.md\n!keep.md\n", "notes.md": "", "keep.md": "", "dist/x.whl": "", "keys/a.key": ""}
	for _, tt := range []struct {
		name    string
		files   map[string]string
		exclude []string
		path    string
		want    Reason // "" where it is there, or unknown
		rule    string // its file or input
		near    string // what exists instead
	}{
		{"not there", own, nil, "/voices/two.wav", NotThere, "", ""},
		{"another letter case", own, nil, "voices/ONE.wav", NotThere, "", "Voices/one.wav"},
		{"there", own, nil, "/Voices/one.wav", "", "", ""},
		{"the platform's list", own, nil, "/dist/x.whl", Ignored, "", ""},
		{"its folder", own, nil, "dist", Ignored, "", ""},
		{"taken back in", own, []string{"!**/dist"}, "dist/x.whl", "", "", ""},
		{"not with an ignore file", ruled, nil, "dist/x.whl", "", "", ""},
		{"a secret", own, nil, "/keys/a.key", Secret, "", ""},
		{"one with an ignore file", ruled, nil, "/keys/a.key", Secret, "", ""},
		{"a secret taken back in", ruled, []string{"!keys/a.key"}, "/keys/a.key", "", "", ""},
		{"environment", own, nil, "/.env", Secret, "", ""},
		{"a pattern", ruled, nil, "/notes.md", Ignored, ".dockerignore", ""},
		{"a negation", ruled, nil, "/keep.md", "", "", ""},
		{"the input", ruled, []string{"keep.md"}, "/keep.md", Ignored, "build-exclude", ""},
		{"the input without an ignore file", own, []string{"notes.md"}, "notes.md", Ignored, "build-exclude", ""},
		{"wildcards", own, nil, "*.txt", "", "", ""},
		{"all", own, nil, "/", "", "", ""},
		{"outside", own, nil, "../x", "", "", ""},
		{"a link that is packed", own, nil, "linked/one.wav", "", "", ""},
		{"a submodule", map[string]string{"Dockerfile": "FROM x\n", ".gitmodules": "path = lib"}, nil, "lib/x", Submodule, "", ""},
		{"a link out of it", own, nil, "out/x", LinkOutside, "", ""},
	} {
		dir := scratch.Dir(t)
		for name, text := range tt.files {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("Voices", filepath.Join(dir, "linked")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/nowhere", filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		got, ok := Explain(Options{Dir: dir, Workspace: dir, Exclude: tt.exclude}, tt.path)
		if ok != (tt.want != "") || got.Reason != tt.want || got.Rule.File+got.Rule.Input != tt.rule || got.Elsewhere != tt.near {
			t.Errorf("%s: got %+v, %t", tt.name, got, ok)
		}
	}
	if got, ok := Explain(Options{Dir: filepath.Join(scratch.Dir(t), "none")}, "x"); ok {
		t.Errorf("no context: got %+v", got)
	}
}
