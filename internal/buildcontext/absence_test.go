package buildcontext

import (
	"os"
	"path/filepath"
	"testing"
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
		want    Absence
	}{
		{"not there", own, nil, "/voices/two.wav", Absence{Why: Missing}},
		{"another letter case", own, nil, "voices/ONE.wav", Absence{Why: Missing, Near: "Voices/one.wav"}},
		{"there", own, nil, "/Voices/one.wav", Absence{}},
		{"the platform's list", own, nil, "/dist/x.whl", Absence{Why: Unneeded}},
		{"its folder", own, nil, "dist", Absence{Why: Unneeded}},
		{"taken back in", own, []string{"!**/dist"}, "dist/x.whl", Absence{}},
		{"not with an ignore file", ruled, nil, "dist/x.whl", Absence{}},
		{"a secret", own, nil, "/keys/a.key", Absence{Why: Secret}},
		{"one with an ignore file", ruled, nil, "/keys/a.key", Absence{Why: Secret}},
		{"a secret taken back in", ruled, []string{"!keys/a.key"}, "/keys/a.key", Absence{}},
		{"environment", own, nil, "/.env", Absence{Why: Secret}},
		{"a pattern", ruled, nil, "/notes.md", Absence{Why: Ignored, File: ".dockerignore"}},
		{"a negation", ruled, nil, "/keep.md", Absence{}},
		{"the input", ruled, []string{"keep.md"}, "/keep.md", Absence{Why: Ignored, File: "build-exclude"}},
		{"the input without an ignore file", own, []string{"notes.md"}, "notes.md", Absence{Why: Ignored, File: "build-exclude"}},
		{"wildcards", own, nil, "*.txt", Absence{}},
		{"all", own, nil, "/", Absence{}},
		{"outside", own, nil, "../x", Absence{}},
		{"a link", own, nil, "linked/one.wav", Absence{Why: Linked}},
	} {
		dir := t.TempDir()
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
		if got := Explain(Options{Dir: dir, Exclude: tt.exclude}, tt.path); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got := Explain(Options{Dir: filepath.Join(t.TempDir(), "none")}, "x"); got != (Absence{}) {
		t.Errorf("no context: got %+v", got)
	}
}
