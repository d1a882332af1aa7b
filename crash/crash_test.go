package crash

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"pipecat-cloud-deploy/verdict"
)

var update = flag.Bool("update", false, "write what is into testdata")

// TestDiagnose holds each of testdata to what must be found in it. An archive
// has the crash's text in the file "crash", what else is known of it in "facts",
// what must be found in "want"; its other files are the workspace.
func TestDiagnose(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d crashes: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			facts, workspace, want := unpack(t, archive)
			got := show(Diagnose(facts, workspace))
			if got == want {
				return
			}
			if !*update {
				t.Fatalf("got:\n%s\nwant:\n%s", got, want)
			}
			for i := range archive.Files {
				if archive.Files[i].Name == "want" {
					archive.Files[i].Data = []byte(got)
				}
			}
			if err := os.WriteFile(file, txtar.Format(archive), 0o666); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func unpack(t *testing.T, archive *txtar.Archive) (facts Facts, workspace fstest.MapFS, want string) {
	workspace = fstest.MapFS{}
	for _, f := range archive.Files {
		switch f.Name {
		case "crash":
			facts.Text = string(f.Data)
		case "want":
			want = string(f.Data)
		case "facts":
			for known := range strings.Lines(string(f.Data)) {
				name, value, _ := strings.Cut(strings.TrimSpace(known), " ")
				switch name {
				case "exit":
					n, err := strconv.Atoi(value)
					if err != nil {
						t.Fatal(err)
					}
					facts.ExitCode = &n
				case "reason":
					facts.Reason = verdict.Reason(value)
				case "code":
					facts.Code = value
				case "profile":
					facts.Profile = value
				default:
					t.Fatalf("unknown fact %q", known)
				}
			}
		default:
			workspace[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return facts, workspace, want
}

// show writes a diagnosis down as the archives do.
func show(d Diagnosis) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cause: %s\ntype: %s\nplace: %s\nhint: %s\n", d.Cause, d.Type, at(d.Place), d.Hint)
	if d.Place != nil {
		for _, l := range d.Place.Around {
			mark := " "
			if l.Number == d.Place.Line {
				mark = ">"
			}
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%s %3d  %s", mark, l.Number, l.Text), " "))
		}
	}
	return strings.ReplaceAll(b.String(), ": \n", ": –\n")
}

func at(p *Place) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
