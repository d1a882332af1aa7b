package untrusted

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// minEncoded is how long a secret must be for its base64 to be hidden: that of a short
// one may be a part of any word.
const minEncoded = 8

// Encodings are a secret as it is, and as it is likely to be found in other texts: in
// JSON, in addresses, in HTML, and in base64, where it may be in the middle of what is
// encoded.
func Encodings(secret string) []string {
	all := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret)}
	var b strings.Builder
	for _, escapes := range []bool{false, true} {
		b.Reset()
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(escapes)
		_ = encoder.Encode(secret) // a text, which never fails
		all = append(all, b.String()[1:b.Len()-2])
	}
	if len(secret) >= minEncoded {
		for before := range 3 { // bytes that stand before it in a group of three
			data := append(make([]byte, before), secret...)
			from, to := (before*8+5)/6, len(data)*8/6 // the digits that are its own
			all = append(all, base64.RawStdEncoding.EncodeToString(data)[from:to], base64.RawURLEncoding.EncodeToString(data)[from:to])
		}
	}
	for _, text := range slices.Clone(all) { // and as Block has made of it
		all = append(all, strings.Map(visible, StripEscapes(text)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
