package gha

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
)

// MaxSummary is how many bytes of a step's job summary a runner shows. It drops a
// longer one whole.
const MaxSummary = 1 << 20

// Output is an output of the action. Its value is one line.
type Output struct{ Name, Value string }

// RenderOutputs writes outputs as the runner's file takes them.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
func RenderOutputs(outputs []Output) string {
	var b strings.Builder
	for _, o := range outputs {
		// A delimiter that nobody can guess cannot be forged; a value that has it
		// is ruled out anyway.
		end := rand.Text()
		for strings.Contains(o.Value, end) {
			end = rand.Text()
		}
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", o.Name, end, o.Value, end)
	}
	return b.String()
}

// SummaryRoom is how many bytes the job summary may grow by, given what its file has
// already: the runner drops all of it when it is too long.
func SummaryRoom(path string) int {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return MaxSummary
	}
	room := MaxSummary - info.Size()
	if unfinished(path) {
		room-- // for the end of its last line
	}
	return int(max(0, room))
}

// AppendFile appends a text to one of the runner's files, or to another one, on a
// line of its own.
func AppendFile(path, text string) error {
	if unfinished(path) {
		text = "\n" + text
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// unfinished reports whether the last line of a file has no end, or may have none,
// because the file cannot be read.
func unfinished(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err != nil || last[0] != '\n'
}
