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

// AppendFile appends a text to one of the runner's files, or to another one.
func AppendFile(path, text string) error {
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
