package summary

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/scratch"
)

// checkLog holds that the runner obeys what is ours, and nothing else.
func (j story) checkLog(t *testing.T, foreign, log string, onRunner bool) {
	t.Helper()
	w := j.wants(foreign)
	masked := log
	if onRunner {
		masked = strings.Replace(log, "::add-mask::"+key+"\n", "", 1)
	} else {
		w.commands = nil
	}
	got := ghatest.Commands(log)
	for i := range max(len(got), len(w.commands)) {
		if i >= len(got) || i >= len(w.commands) || !reflect.DeepEqual(got[i], w.commands[i]) {
			t.Errorf("%s, %.60q: the command at %d is not as wanted: of\n%.2000q\nit begins\n%.2000q", j.name, foreign, i, w.commands[min(i, len(w.commands)):], got[min(i, len(got)):])
			break
		}
	}
	if n := commandLike(log); n != len(w.commands) {
		t.Errorf("%s, %.60q: %d lines look like commands, want %d\n%.3000s", j.name, foreign, n, len(w.commands), log)
	}
	kinds := map[string]int{}
	for _, c := range got {
		kinds[c.Name]++
		if (c.Name == "error" || c.Name == "warning" || c.Name == "notice") &&
			(kinds[c.Name] > ghatest.MaxAnnotations || len(utf16.Encode([]rune(c.Data))) > ghatest.MaxAnnotation) {
			t.Errorf("%s, %.60q: %s %d, of %d bytes", j.name, foreign, c.Name, kinds[c.Name], len(c.Data))
		}
	}
	if err := ghatest.Hides(masked); err != nil {
		t.Errorf("%s, %.60q: the log %v", j.name, foreign, err)
	}
}

// commandLike counts the lines that some runner might obey, whatever the names
// and whatever it takes for white space.
func commandLike(log string) (n int) {
	for line := range strings.SplitSeq(strings.ReplaceAll(log, "\r", "\n"), "\n") {
		line = strings.TrimLeftFunc(line, func(c rune) bool { return !unicode.IsGraphic(c) || unicode.IsSpace(c) })
		if strings.HasPrefix(line, "::") || strings.Contains(line, "##[") {
			n++
		}
	}
	return n
}

// checkOutputs holds that the outputs are those of the table, each on a line.
func (j story) checkOutputs(t *testing.T, foreign, file string) {
	t.Helper()
	w := j.wants(foreign)
	got, err := ghatest.Outputs(file)
	if err != nil {
		t.Errorf("%s, %.60q: %v", j.name, foreign, err)
	}
	if !maps.Equal(got, w.outputs) {
		t.Errorf("%s, %.60q: got %.3000q, want %.3000q", j.name, foreign, got, w.outputs)
	}
	for name, value := range got {
		if strings.Contains(value, "\n") || len(value) > maxOutput {
			t.Errorf("%s, %.60q: %s is %.200q, of %d bytes", j.name, foreign, name, value, len(value))
		}
	}
	if n := strings.Count(file, "\n"); n != 3*len(OutputTable()) {
		t.Errorf("%s, %.60q: %d lines in the file, want 3 for each output", j.name, foreign, n)
	}
	if err := ghatest.Hides(file); err != nil {
		t.Errorf("%s, %.60q: the file %v", j.name, foreign, err)
	}
}

// checkPage holds that the job summary shows what it is to show, as text.
func (j story) checkPage(t *testing.T, foreign, page string) {
	t.Helper()
	w := j.wants(foreign)
	if len(page) > ghatest.MaxSummary {
		t.Errorf("%s, %.60q: a summary of %d bytes", j.name, foreign, len(page))
	}
	if err := ghatest.Hides(page); err != nil {
		t.Errorf("%s, %.60q: the summary %v", j.name, foreign, err)
	}
	got, err := shown([]byte(page))
	if err != nil {
		t.Errorf("%s, %.60q: %v\n%.3000s", j.name, foreign, err, page)
	}
	for i := range max(len(got), len(w.page)) {
		if i >= len(got) || i >= len(w.page) || got[i] != w.page[i] {
			t.Errorf("%s, %.60q: shows at %d\n%.3000q\nand not\n%.3000q", j.name, foreign, i, got[min(i, len(got)):], w.page[min(i, len(w.page)):])
			break
		}
	}
}

// checkAll holds all of this of each job that foreign text is part of.
func checkAll(t *testing.T, foreign string) {
	dir := scratch.Dir(t)
	for _, j := range jobs {
		got := j.leave(t, dir, true, foreign)
		j.checkLog(t, foreign, got.log, true)
		j.checkOutputs(t, foreign, got.outputs)
		j.checkPage(t, foreign, got.page)
		j.checkLog(t, foreign, j.leave(t, dir, false, foreign).log, false)
	}
}

// maxSeed is the longest text in bytes to begin fuzzing with.
const maxSeed = 1000

// TestLongText has the attacks that are longer.
func TestLongText(t *testing.T) {
	t.Parallel()
	for _, foreign := range ghatest.Hostile {
		if len(foreign) > maxSeed {
			checkAll(t, foreign)
		}
	}
}

func FuzzReport(f *testing.F) {
	for _, foreign := range ghatest.Hostile {
		if len(foreign) <= maxSeed {
			f.Add(foreign)
		}
	}
	f.Fuzz(checkAll)
}
