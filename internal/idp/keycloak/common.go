package keycloak

import (
	"slices"
	"strings"
	"sync"
)

// CommonPasswordsFile is the list of passwords that nobody may have, in the folder that
// the server's configuration names for such lists.
const CommonPasswordsFile = "common-passwords.txt"

// CommonPasswords is that list: what people make of the words that they think of first, to
// satisfy rules about length and kinds of characters. The server compares in lower case,
// so each is listed once. Shorter ones are left out: the length refuses them. It lies in a
// Secret beside the server's configuration, which holds 1 MiB.
func CommonPasswords() []byte { return []byte(commonPasswords()) }

// commonPasswords is made once: every pass renders the files.
var commonPasswords = sync.OnceValue(func() string {
	words := []string{"password", "passwort", "passw0rd", "p@ssw0rd", "p@ssword", "welcome", "welcome1", "willkommen", "changeme", "letmein", "qwerty", "qwertyuiop", "qwertz",
		"asdfgh", "asdfghjkl", "zxcvbn", "1q2w3e4r", "1qaz2wsx", "qazwsx", "iloveyou", "sunshine", "princess", "football", "baseball", "superman", "batman", "dragon",
		"monkey", "master", "shadow", "michael", "jennifer", "starwars", "trustno1", "whatever", "computer", "internet", "administrator", "admin", "secret", "default",
		"keycloak", "identity", "company", "spring", "summer", "autumn", "winter", "january", "february", "monday", "friday", "abcdef", "abc123", "111111", "123456",
		"1234567", "12345678", "123456789", "1234567890", "123123", "654321", "987654321", "000000", "121212", "112233", "password1", "password123", "admin123"}
	endings := []string{"", "!", "!!", "@", "#", ".", "?", "*", "1", "1!", "12", "12!", "123", "123!", "123!@#", "1234", "1234!", "12345", "12345!", "123456", "123456!", "01", "007", "69", "99", "00",
		"321", "!1", "!123", "@1", "@123", "@1234", "#1", "#123", "_1", "_123", "-1", "-123", ".1", ".123"}
	for year := 1990; year <= 2035; year++ {
		text := []byte{byte('0' + year/1000), byte('0' + year/100%10), byte('0' + year/10%10), byte('0' + year%10)}
		for _, form := range []string{"%", "%!", "@%", "-%"} {
			endings = append(endings, strings.Replace(form, "%", string(text), 1))
		}
	}
	const shortest = 8
	var list []string
	for _, word := range words {
		list = append(list, word+word)
		for _, ending := range endings {
			if len(word+ending) >= shortest {
				list = append(list, word+ending)
			}
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "\n") + "\n"
})
