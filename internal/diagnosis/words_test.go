package diagnosis

import (
	"slices"
	"strings"
	"testing"
)

// TestWords holds that each word is found where a text has it, and nothing else.
func TestWords(t *testing.T) {
	texts := slices.Concat(errorWords, clues)
	w := newWords(texts...)
	for _, text := range texts {
		if len(text) < 3 || text != strings.ToLower(text) {
			t.Errorf("%q is too short, or has capitals", text)
		}
		for _, s := range []string{text, "xx " + text, text + "y", "é" + text + "é"} {
			if !w.in(s) {
				t.Errorf("%q is not found in %q", text, s)
			}
		}
	}
	for _, s := range []string{"", "er", "erro", "e r r o r", "fai", "42 layers are done"} {
		if w.in(s) {
			t.Errorf("%q has one", s)
		}
	}
}
