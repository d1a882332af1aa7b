package untrusted

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestEncodings hides a secret in the texts that others make of it.
func TestEncodings(t *testing.T) {
	for _, secret := range []string{"sk_0123456789", `p"a\ss<wo>rd&%+/=?`, "pass word\twith ümläut", "zero\u200bwidth\x1bescape", "short"} {
		c := Cleaner{Secrets: Encodings(secret)}
		quoted, _ := json.Marshal(map[string]string{"key": secret})
		texts := []string{secret, string(quoted), "?key=" + url.QueryEscape(secret), "/" + url.PathEscape(secret), html.EscapeString(secret), fmt.Sprintf("%q", secret)}
		if strings.ContainsRune(secret, '\u200b') { // which Go writes as \u200b, and \x1b
			texts = texts[:len(texts)-1]
		}
		if len(secret) >= minEncoded {
			for _, before := range []string{"", "a", "ab", "abc"} {
				for _, after := range []string{"", "x", "xy"} {
					texts = append(texts, base64.StdEncoding.EncodeToString([]byte(before+secret+after)), base64.RawURLEncoding.EncodeToString([]byte(before+secret+after)))
				}
			}
		}
		for _, text := range texts {
			got := c.Block("before " + text + " after")
			if !strings.Contains(got, "***") || strings.Contains(got, secret) || !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
				t.Errorf("%q in %q is shown as %q", secret, text, got)
			}
			if left := strings.Trim(strings.ReplaceAll(got[7:len(got)-6], "***", ""), `{}"key:?=/`); len(left) > 8 {
				t.Errorf("%q in %q leaves %q", secret, text, left)
			}
		}
	}
	if all := Encodings("short"); slices.ContainsFunc(all, func(s string) bool { return s != "short" }) {
		t.Errorf("%q", all)
	}
}
