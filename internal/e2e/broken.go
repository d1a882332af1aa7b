package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var breakIt = flag.Bool("broken", false, "see whether the search finds what is broken on purpose")

// breakages are versions of the program that break an invariant of the search,
// each by one edit.
var breakages = []struct{ what, old, new string }{
	{"green by the revision before",
		"if !o.Reconciled {", "if o.Serving == revision.ServingPrevious {\n\t\treturn true, nil, h\n\t}\n\tif !o.Reconciled {"},
	{"green before it was ready for long enough",
		"return at.Sub(h.readySince) >= p.MinReady, nil, h", "return true, nil, h"},
	{"green with another's deployment",
		"case asked.Match == settings.Different:", "case false:"},
	{"red though nothing went wrong",
		"	case t.Previous, t.Original:\n\t\treturn true", "	case t.Previous:\n\t\treturn false"},
	{"two deployments for one request",
		"if agent, err := a.reconcile(ctx, final, a.lookupDelays(final != nil)...);", "if agent, err := (*pipecat.Agent)(nil), error(nil);"},
	{"an agent that a read had missed, taken for a new one",
		"t.CreatedAt = b.At.Add(-clocksApart)", "t.CreatedAt = time.Unix(0, 0)"},
	{"sent again after it was refused",
		"case !e.Temporary():", "case false:"},
	{"no end at the deadline",
		"context.WithDeadline(ctx, deadline)\n\tdefer cancel()\n\tagent, a, err := apply", "context.WithDeadline(ctx, deadline.Add(time.Minute))\n\tdefer cancel()\n\tagent, a, err := apply"},
	{"a request without a limit",
		"writeLimit = 30 * time.Second", "writeLimit = 90 * time.Second"},
	{"no end when it is stopped",
		"	case <-timer.C:\n\t\treturn ctx.Err()\n\tcase <-ctx.Done():", "	case <-timer.C:\n\t\treturn ctx.Err()\n\tcase <-context.Background().Done():"},
	{"no outputs when it is stopped",
		`if path := r.env.OutputFile(); path != "" {`, `if path := r.env.OutputFile(); path != "" && !strings.Contains(Headline(first), "stopped") {`},
	{"no deployment-id when the answer names it",
		"r.accepted, r.deployment, r.region = &ev, ev.ID,", `r.accepted, r.deployment, r.region = &ev, "",`},
	{"exit code 0 when the time is up",
		"	if s.OK() {\n\t\treturn 0", "	if s.OK() || s == TimedOut {\n\t\treturn 0"},
	{"a summary in green when the job is red",
		`return "✗ " + strings.TrimRight(`, `return "✓ " + strings.TrimRight(`},
	{"a crash that the runner obeys",
		`return strings.ReplaceAll(s, "##[", "## [")`, "return s"},
	{"the key in another header",
		`UserAgent: "pipecat-cloud-deploy/" + version.Name()`, `UserAgent: "pipecat-cloud-deploy/" + version.Name() + string(cfg.APIKey)`},
	{"the key in the log",
		`l.say("Taken as deployment %s; before, it was %s.", a.ID, short(a.Previous))`, `l.items = append(l.items, line("Taken, with "+l.r.Cleaner.Secrets[0]))`},
	{"a goroutine that is left",
		"defer resp.Body.Close()\n\te.Status = resp.StatusCode\n", "e.Status = resp.StatusCode\n"},
	{"a rollback over another's deployment",
		"if a.Reverts == nil {\n\t\treturn nil, nil", "if a.Reverts == nil || true {\n\t\treturn nil, nil"},
	{"a rollback of what may be another's",
		"case made.Ambiguous:", "case false:"},
	{"silent for minutes",
		"heartbeat = 30 * time.Second", "heartbeat = 10 * time.Minute"},
}

// SearchFinds breaks the program, and holds that the search finds it:
//
//	go test -run SearchFinds . -v -args -broken
//
// Without the flag it only holds that each edit can be made.
func SearchFinds(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile(`seed \d+: .*`)
	if *breakIt { // what is found in any case says nothing
		if out, err := exec.Command("go", "test", "-run", "Search$", ".", "-args", "-runs", "30000").CombinedOutput(); err != nil {
			t.Fatalf("the search finds something as it is:\n%s", out)
		}
	}
	sources, err := programSources()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breakages {
		t.Run(b.what, func(t *testing.T) {
			file, text, err := only(sources, b.old)
			if err != nil {
				t.Fatal(err)
			}
			if !*breakIt {
				return
			}
			dir := t.TempDir()
			whole, _ := filepath.Abs(file)
			broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
			replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{whole: broken}})
			for file, data := range map[string][]byte{broken: []byte(strings.Replace(text, b.old, b.new, 1)), overlay: replace} {
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("go", "test", "-overlay", overlay, "-run", "Search$", ".", "-args", "-runs", "30000").CombinedOutput()
			if first := found.Find(out); err == nil || first == nil {
				t.Errorf("it is not found:\n%s", out)
			} else {
				t.Logf("%s", first)
			}
		})
	}
}

// programSources are the texts of the files that the program is built of, by
// their paths.
func programSources() (map[string]string, error) {
	list := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{if .Module.Main}}{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, ".")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	sources := map[string]string{}
	for _, file := range strings.Fields(string(out)) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sources[file] = string(text)
	}
	if len(sources) < 10 {
		return nil, fmt.Errorf("only %d files", len(sources))
	}
	return sources, nil
}

// only finds the one file that has a text, exactly once.
func only(sources map[string]string, text string) (file, content string, err error) {
	n := 0
	for name, source := range sources {
		if found := strings.Count(source, text); found > 0 {
			n += found
			file, content = name, source
		}
	}
	if n != 1 {
		return "", "", fmt.Errorf("the program has %q %d times, want once", text, n)
	}
	return file, content, nil
}
