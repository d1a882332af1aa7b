package verdict

import (
	"cmp"
	"slices"
	"strings"
)

// Evidence is a text that may show why a step failed, as it came; not ours, unless
// it is from this program.
type Evidence struct {
	From   Source
	Text   string
	Shown  string // the part of Text that people are shown; "" for all of it
	Quoted bool   // the failure's message has all of Text
}

// Source is where an Evidence is from. What a text is decides how it is read: only
// what the agent or the build printed is searched for a cause.
type Source string

const (
	FromContainer Source = "container" // what the agent printed last, as the platform keeps it
	FromAgentLog  Source = "agent-log" // what the agent printed
	FromPlatform  Source = "platform"  // the platform's words: its errors, its conditions, why a container waits
	FromBuilder   Source = "builder"   // the platform's error of a build
	FromBuildLog  Source = "build-log" // what the build printed
	FromAPI       Source = "api"       // the API's response to a request
	FromProgram   Source = "program"   // this program itself
)

// Show adds a text to what shows why a step failed. An empty one is no evidence.
func (f *Failure) Show(from Source, text string) {
	if strings.TrimSpace(text) != "" {
		f.Evidence = append(f.Evidence, Evidence{From: from, Text: text})
	}
}

// Quote adds a text that the message has all of, as Show does.
func (f *Failure) Quote(from Source, text string) {
	had := len(f.Evidence)
	f.Show(from, text)
	for i := range f.Evidence[had:] {
		f.Evidence[had+i].Quoted = true
	}
}

// Quoted reports whether the message has all of the Evidence.
func (f *Failure) Quoted() bool {
	return !slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return !e.Quoted })
}

// Output is what people are shown of the Evidence, in its order.
func (f *Failure) Output() string {
	var texts []string
	for _, e := range f.Evidence {
		texts = append(texts, cmp.Or(e.Shown, e.Text))
	}
	return strings.Join(texts, "\n")
}
