package pipecat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestTruncate(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"short texts stay", `{"a":"12345678","b":[1,"\"\\"]}`, `{"a":"12345678","b":[1,"\"\\"]}`},
		{"long ones lose their middle", `"0123456789abcdef"`, `"0123` + cutOut + `cdef"`},
		{"and their keys", `{"0123456789abcdef":1}`, `{"0123` + cutOut + `cdef":1}`},
		{"escapes stay whole", `"012\u00e9456\n89\u00e9ab\"def"`, `"012\u00e9` + cutOut + `def"`},
		{"an end that never comes", `{"a":"0123456789`, `{"a":"0123`},
	} {
		c := truncator{maxText: 8}
		_, _ = c.Write([]byte(tt.in))
		if string(c.out) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, c.out, tt.want)
		}
	}
}

func TestTruncateLimit(t *testing.T) {
	c := truncator{maxText: 8}
	many := []byte(strings.Repeat("0,", 1<<19))
	for range 4 {
		if _, err := c.Write(many); err != nil {
			return
		}
	}
	t.Errorf("keeps %d bytes", len(c.out))
}

// FuzzTruncate holds that JSON stays JSON, however it arrives, that short texts stay
// what they are, and that long ones become short.
func FuzzTruncate(f *testing.F) {
	for _, seed := range []string{`{}`, `"0123456789abcdef"`, `{"\ud83d\ude00\ud83d\ude00\ud83d\ude00":"\\\\\\\\\\\\"}`, `["\"","\u0000aaaaaaaaaaaaaaaaaaa"]`, `"é🙂é🙂é🙂é🙂"`, `"a`, `\`} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, split int) {
		split = min(max(0, split), len(data))
		c := truncator{maxText: 16}
		_, _ = c.Write(data[:split])
		_, _ = c.Write(data[split:])
		if json.Valid(data) != json.Valid(c.out) && json.Valid(data) {
			t.Fatalf("%q becomes %q", data, c.out)
		}
		if !json.Valid(data) {
			return
		}
		whole := truncator{maxText: len(data) + 1}
		_, _ = whole.Write(data)
		if !bytes.Equal(whole.out, data) {
			t.Errorf("%q becomes %q", data, whole.out)
		}
		for text := range strings.SplitSeq(string(c.out), `"`) {
			if len(strings.Replace(text, cutOut, "", 1)) > 16+3*len(`\uffff`) && !strings.Contains(string(data), text) {
				t.Errorf("%q has a text that is too long: %q", c.out, text)
			}
		}
	})
}
