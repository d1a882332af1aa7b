package diagnosis

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"pipecat-cloud-deploy/internal/verdict"
)

// TestMain leaves garbage for longer: to collect it would take a quarter of the tests' time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}

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
			got := show(Diagnose(facts.facts(), workspace))
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

// TestOf holds that the agent's log counts where the platform shows no
// exception, and that only what failed is diagnosed.
func TestOf(t *testing.T) {
	log := []string{"Traceback (most recent call last):", `  File "/app/bot.py", line 1, in <module>` + "\n", "KeyError: 'OPENAI_API_KEY'"}
	killed := 137
	for _, tt := range []struct {
		name       string
		f          *verdict.Failure
		log        []string
		typ, cause string
		hint       string // its beginning
	}{
		{"by its error output", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Evidence: printed("ModuleNotFoundError: No module named 'x'")}, log, "ModuleNotFoundError", "ModuleNotFoundError: No module named 'x'", "Add the package"},
		{"by its log", &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.NotReady, Message: "it did not become ready"}, log, "KeyError", "KeyError: 'OPENAI_API_KEY'", "Put `OPENAI_API_KEY` into"},
		{"by its exit code", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashes", ExitCode: &killed}, nil, "", "", "The agent was killed: where it needs more memory than it has, set `agent-profile` to `agent-3x`"},
		{"by the platform's code", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Refused, Message: "no", Code: "PCC-1004"}, nil, "", "", "Set up billing"},
		{"by the API's message", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Refused, Message: "no", Evidence: []verdict.Evidence{{From: verdict.FromAPI, Text: "secret set \"a\" not found"}}}, nil, "", "", "Make the secret set"},
		{"not by a variable in them", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Refused, Message: "no", Evidence: []verdict.Evidence{{From: verdict.FromAPI, Text: "ValueError: OPENAI_API_KEY is not set"}}}, nil, "", "", ""},
		{"nor in the platform's", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Refused, Message: "no", Evidence: []verdict.Evidence{{From: verdict.FromPlatform, Text: "ValueError: OPENAI_API_KEY is not set"}}}, nil, "", "ValueError: OPENAI_API_KEY is not set", ""},
		{"not by a fault of our own", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Internal, Message: "no", Evidence: []verdict.Evidence{{From: verdict.FromProgram, Text: "panic: OPENAI_API_KEY is not set"}}}, nil, "", "", ""},
		{"by the message before the log", &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Evidence: printed("ValueError: no tea")}, log, "ValueError", "ValueError: no tea", ""},
		{"not when it was stopped", &verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"}, log, "", "", ""},
		{"not when there is no failure", nil, log, "", "", ""},
	} {
		d := Of(tt.f, Scene{Profile: "agent-2x", Log: tt.log}, nil)
		if d.Type != tt.typ || d.Cause != tt.cause || !strings.HasPrefix(d.Hint, tt.hint) || (tt.hint == "") != (d.Hint == "") {
			t.Errorf("%s: got %+v", tt.name, d)
		}
	}
}

// archives are the texts of testdata, by their names.
func archives(t testing.TB) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no texts: %v", err)
	}
	all := map[string]*txtar.Archive{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = archive
	}
	return all
}

func unpack(t *testing.T, archive *txtar.Archive) (facts crash, workspace fstest.MapFS, want string) {
	workspace = fstest.MapFS{}
	for _, f := range archive.Files {
		switch f.Name {
		case "crash":
			facts.Text = string(f.Data)
		case "log":
			facts.Log = string(f.Data)
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
				case "cause":
					facts.Cause = verdict.Cause(value)
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

// TestDetails has what is too small for an archive.
func TestDetails(t *testing.T) {
	const (
		head  = "Traceback (most recent call last):\n"
		own   = "  File \"/app/bot.py\", line 3, in <module>\n    open(\"menu.json\")\n"
		other = "  File \"/app/bot.py\", line 1, in <module>\n    import os\n"
		lib   = "  File \"/usr/local/lib/python3.12/site-packages/x.py\", line 1, in f\n    raise Gone(1)\n"
	)
	exit := func(n int) *int { return &n }
	workspace := fstest.MapFS{"bot.py": {Data: []byte(code)}, "short.py": {Data: []byte("x = 1\nSECRET = 2\n")}, ".env.py": {Data: []byte("KEY = \"sk-0123456789\"\n")}}
	for _, tt := range []struct {
		name               string
		facts              crash
		cause, place, hint string // the hint holds that; empty for none
	}{
		{"nothing", crash{}, "", "", ""},
		{"a header without its colon", crash{Text: "Traceback (most recent call last)\nKeyError: 'x'\n"}, "KeyError: 'x'", "", ""},
		{"a list with bullets", crash{Text: head + own + "RuntimeError: the settings are wrong\n• OPENAI_API_KEY is not set\n"}, "RuntimeError: the settings are wrong", "bot.py:3", "OPENAI_API_KEY"},
		{"printed in the middle", crash{Text: head + own + "Ready\n" + lib + "KeyError: 'x'\n"}, "KeyError: 'x'", "bot.py:3", ""},
		{"printed before the end", crash{Text: head + own + "Ready\nKeyError: 'x'\n"}, "KeyError: 'x'", "bot.py:3", ""},
		{"a type that sounds like none", crash{Text: head + own + "x.Gone: y\n"}, "x.Gone: y", "bot.py:3", ""},
		{"a link is no type", crash{Text: head + own + "http://x\nKeyError: 'x'\n"}, "KeyError: 'x'", "bot.py:3", ""},
		{"one without a traceback comes later", crash{Text: head + own + "KeyError: 'x'\n\nRuntimeError: Event loop is closed\n"}, "KeyError: 'x'", "bot.py:3", ""},
		{"one without a traceback behind a cut", crash{Text: head + own + "KeyError: 'x'\n[… 9 bytes cut out here …]\nRuntimeError: y\n"}, "RuntimeError: y", "", ""},
		{"a chain that ends in a group", crash{Text: head + other + "KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n" +
			"  + Exception Group Traceback (most recent call last):\n  |   File \"/app/bot.py\", line 3, in <module>\n  |     open(\"menu.json\")\n" +
			"  | ExceptionGroup: a (1 sub-exception)\n  +-+---------------- 1 ----------------\n    | Boom: y\n    +------------------------------------\n"}, "Boom: y", "bot.py:3", ""},
		{"a message with a blank line", crash{Text: head + own + "KeyError: 'API_KEY'\n\nmore\n"}, "KeyError: 'API_KEY'", "bot.py:3", ""},
		{"a chain whose first is cut", crash{Text: head + own + "\nDuring handling of the above exception, another exception occurred:\n\nKeyError: 'x'\n"}, "KeyError: 'x'", "", ""},
		{"a traceback in the message", crash{Text: head + own + "RuntimeError: the worker says: " + head + "  in its log\n"}, "RuntimeError: the worker says: Traceback (most recent call last): in its log", "bot.py:3", ""},
		{"a line that a shell repeats", crash{Text: "/app/start.sh: line 7: syntax error near unexpected token `fi'\n/app/start.sh: line 7: `fi'\n"}, "/app/start.sh: line 7: syntax error near unexpected token `fi'", "", ""},
		{"indented, without its top", crash{Text: "    " + strings.ReplaceAll(own+"KeyError: 'x'", "\n", "\n    ")}, "KeyError: 'x'", "bot.py:3", ""},
		{"what follows an error", crash{Text: "ERROR:    cannot load the model\nERROR:    Application startup failed. Exiting.\n"}, "cannot load the model", "", ""},
		{"a warning before information", crash{Text: "WARNING:root:low on voices\nINFO:root:bye\n"}, "low on voices", "", ""},
		{"a word before information", crash{Text: "bye\n[info     ] done\n"}, "bye", "", ""},
		{"a line that is too short to show", crash{Text: head + "  File \"/app/short.py\", line 1, in <module>\n    x = 1\nKeyError: 'x'\n"}, "KeyError: 'x'", "short.py:1", ""},
		{"a handler's error without its end", crash{Text: "--- Logging error ---\n" + head + lib + "ValueError: closed\nCall stack:\n" + head + own + "KeyError: 'x'\n"}, "KeyError: 'x'", "bot.py:3", ""},
		{"nothing but a handler's error", crash{Text: "--- Logging error ---\n" + head + lib + "ValueError: closed\nMessage: 'x'\nArguments: ()\n"}, "", "", ""},
		{"a file with secrets", crash{Text: head + "  File \"/app/.env.py\", line 1, in <module>\n    KEY = \"sk-0123456789\"\nKeyError: 'x'\n"}, "KeyError: 'x'", "", ""},
		{"too far above the end", crash{Text: head + own + "KeyError: 'x'\n" + strings.Repeat("so it goes\n", maxText/11+1)}, "so it goes", "", ""},
		{"memory, as Python says it", crash{Text: head + own + "MemoryError\n", Reason: verdict.OutOfMemory}, "MemoryError", "bot.py:3", "agent-profile"},
		{"memory, and another exception", crash{Text: head + own + "KeyError: 'x'\n", Reason: verdict.OutOfMemory}, "", "", "agent-profile"},
		{"asked to stop", crash{Text: head + own + "KeyError: 'x'\n", ExitCode: exit(143)}, "KeyError: 'x'", "bot.py:3", ""},
		{"killed as it exits", crash{Text: head + own + "KeyError: 'x'\n", ExitCode: exit(134)}, "KeyError: 'x'", "bot.py:3", ""},
		{"killed later", crash{Text: head + own + "KeyError: 'x'\nServing\n", ExitCode: exit(134)}, "Serving", "", ""},
		{"killed after what it has logged", crash{Text: "ERROR:root:no voice\n" + head + own + "KeyError: 'x'\n", ExitCode: exit(134)}, "", "", ""},
		{"a code that an exception names", crash{Text: head + own + "ValueError: PCC-1004\n"}, "ValueError: PCC-1004", "bot.py:3", ""},
		{"a code beside the name of another", crash{Text: "PCC-1004", Code: "PCC-9999"}, "PCC-1004", "", ""},
		{"a long name", crash{Text: "ModuleNotFoundError: No module named '" + strings.Repeat("a", 200) + "'"}, "ModuleNotFoundError: No module named '" + strings.Repeat("a", 200) + "'", "", strings.Repeat("a", 57) + "…`"},
		{"an environment that has nothing to do with it", crash{Text: head + strings.Replace(own, "open", "os.environ; open", 1) + lib + lib + "KeyError: 'x'\n"}, "KeyError: 'x'", "", ""},
		{"a secret of the user's own", crash{Text: head + own + "LookupError: secret set 'x' not found\n"}, "LookupError: secret set 'x' not found", "bot.py:3", ""},
	} {
		d := Diagnose(tt.facts.facts(), workspace)
		if d.Cause != tt.cause || at(d.Place) != tt.place || (d.Hint == "") != (tt.hint == "") || !strings.Contains(d.Hint, tt.hint) {
			t.Errorf("%s: got %q at %q, hint %q", tt.name, d.Cause, at(d.Place), d.Hint)
		}
		if d.Place != nil && (d.Place.File == "short.py") != (d.Place.Around == nil) {
			t.Errorf("%s: shows %v", tt.name, d.Place.Around)
		}
	}
}

// TestHints holds that each hint is one sentence, and that a text shows whether it is
// there.
func TestHints(t *testing.T) {
	type shown struct {
		facts     Facts
		workspace fs.FS
		want      Diagnosis
	}
	texts := map[string][]shown{} // by the entry of the table
	add := func(facts Facts, workspace fs.FS) {
		d := Diagnose(facts, workspace)
		texts[d.entry] = append(texts[d.entry], shown{facts, workspace, d})
	}
	for _, archive := range archives(t) {
		facts, workspace, _ := unpack(t, archive)
		add(facts.facts(), workspace)
	}
	for _, h := range hintTexts {
		for _, text := range h.shows {
			add(h.facts(text), h.files)
		}
	}
	whole := hints
	defer func() { hints = whole }()
	for i, h := range whole {
		if !strings.HasSuffix(h.say, ".") || strings.Contains(strings.TrimSuffix(h.say, "."), ". ") {
			t.Errorf("not one sentence: %q", h.say)
		}
		hints = slices.Delete(slices.Clone(whole), i, i+1)
		if !slices.ContainsFunc(texts[h.say], func(s shown) bool { return Diagnose(s.facts, s.workspace).Hint != s.want.Hint }) {
			t.Errorf("no archive needs %q for %v", h.say, h.message)
		}
	}
}
