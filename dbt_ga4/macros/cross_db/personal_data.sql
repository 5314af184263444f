{#
    Made by `python -m beha2vec_core.privacy.dbt_macros` from beha2vec_core/privacy/rules.yml: change that file instead.
    Personal data in texts and addresses becomes the marker. On DuckDB ingest has removed it before, with checksums and
    libraries that SQL lacks; on BigQuery no ingest runs, so these patterns do what patterns can.
#}
{% macro without_personal_data(value) -%}
    {{- return(adapter.dispatch('without_personal_data', 'dbt_ga4')(value)) -}}
{%- endmacro %}

{% macro duckdb__without_personal_data(value) -%}
    {{ value }}
{%- endmacro %}

{# A login id that is an e-mail address: its hash. On DuckDB ingest has hashed it, with a key. #}
{% macro private_user_id(user_id) -%}
    {{- return(adapter.dispatch('private_user_id', 'dbt_ga4')(user_id)) -}}
{%- endmacro %}

{% macro duckdb__private_user_id(user_id) -%}
    {{ user_id }}
{%- endmacro %}

{% macro bigquery__private_user_id(user_id) -%}
    if(
        regexp_contains({{ user_id }}, r'''(?i)(?:@|%40|%2540|%252540|＠)'''),
        to_hex(sha256(lower({{ user_id }}))),
        {{ user_id }}
    )
{%- endmacro %}

{# Query parameters whose values go. Separators of their words are free. #}
{% macro personal_parameters() -%}
    {{ return([
        'aadhaar', 'access[ _.-]?key', 'access[ _.-]?token', 'account[ _.-]?holder', 'account[ _.-]?number',
        'achternaam', 'acik[ _.-]?adres', 'activation[ _.-]?code', 'activation[ _.-]?key', 'ad[ _.-]?soyad', 'addr',
        'address', 'address[ _.-]?line', 'adgangskode', 'adi[ _.-]?soyadi', 'adres', 'adres[ _.-]?dostavki', 'adres[
        _.-]?email', 'adres[ _.-]?ip', 'adresa', 'adress', 'adresse', 'adresse[ _.-]?courriel', 'adresse[ _.-]?email',
        'adresse[ _.-]?ip', 'adresse[ _.-]?mail', 'adresse[ _.-]?postale', 'adsoyad', 'ahv[ _.-]?nummer', 'alamat',
        'alamat[ _.-]?rumah', 'amka', 'aniversario', 'anmeldename', 'annee[ _.-]?de[ _.-]?naissance', 'anschrift',
        'anshobango', 'ansprechpartner', 'anvandarnamn', 'apelido', 'apellido', 'apellidos', 'api[ _.-]?key', 'api[
        _.-]?secret', 'apikey', 'ausweisnummer', 'auth[ _.-]?code', 'auth[ _.-]?token', 'authorization', 'bairro',
        'bank[ _.-]?account', 'bankverbindung', 'bday', 'bearer', 'beibaoren', 'benutzername', 'bestatigungscode', 'bic[
        _.-]?iban', 'birth[ _.-]?date', 'birth[ _.-]?day', 'birth[ _.-]?year', 'birthdate', 'birthday', 'born',
        'brugernavn', 'brukernavn', 'bsn', 'burgerservicenummer', 'cadde', 'calle', 'card[ _.-]?code', 'card[
        _.-]?holder', 'card[ _.-]?no', 'card[ _.-]?number', 'cardholder', 'cardnumber', 'carta[ _.-]?di[ _.-]?credito',
        'cartao', 'carte[ _.-]?bancaire', 'cc[ _.-]?number', 'cccd', 'ccnum', 'cele[ _.-]?jmeno', 'chave[ _.-]?secreta',
        'chiave[ _.-]?segreta', 'chushengriqi', 'clave[ _.-]?de[ _.-]?acceso', 'clave[ _.-]?secreta', 'cle[ _.-]?api',
        'client[ _.-]?ip', 'client[ _.-]?secret', 'code[ _.-]?postal', 'code[ _.-]?secret', 'codice[ _.-]?fiscale',
        'codice[ _.-]?postale', 'codice[ _.-]?segreto', 'codicefiscale', 'codigo[ _.-]?postal', 'cognome', 'compleanno',
        'confirmation[ _.-]?token', 'contrasena', 'contrasenya', 'correio', 'correio[ _.-]?eletronico', 'correo',
        'correo[ _.-]?electronico', 'courriel', 'cpf', 'cpr[ _.-]?nummer', 'credential', 'credentials', 'credit[
        _.-]?card', 'creditcard', 'csrf', 'cumpleanos', 'curp', 'cvc', 'cvv', 'cvv2', 'data[ _.-]?de[ _.-]?nascimento',
        'data[ _.-]?di[ _.-]?nascita', 'data[ _.-]?nasc', 'data[ _.-]?nascimento', 'data[ _.-]?nascita', 'data[
        _.-]?nasterii', 'data[ _.-]?rozhdeniya', 'data[ _.-]?urodzenia', 'date[ _.-]?de[ _.-]?naissance', 'date[
        _.-]?naissance', 'date[ _.-]?of[ _.-]?birth', 'datum[ _.-]?narozeni', 'den[ _.-]?rozhdeniya', 'dia[ _.-]?chi',
        'dianziyoujian', 'direccion', 'direccion[ _.-]?de[ _.-]?correo', 'direccion[ _.-]?ip', 'direccion[ _.-]?postal',
        'dizhi', 'dni', 'dob', 'dogrulama[ _.-]?kodu', 'dogum[ _.-]?gunu', 'dogum[ _.-]?tarihi', 'dogum[ _.-]?yili',
        'domicilio', 'dowod', 'dowod[ _.-]?osobisty', 'driver[ _.-]?license', 'drivers[ _.-]?license', 'driving[
        _.-]?licence', 'dt[ _.-]?nasc', 'e[ _.-]?mail', 'e[ _.-]?mailadres', 'e[ _.-]?mailadresse', 'e[ _.-]?post', 'e[
        _.-]?posta', 'e[ _.-]?postadress', 'efternamn', 'efternavn', 'elektronna[ _.-]?poshta', 'elektronnaya[
        _.-]?pochta', 'email', 'email[ _.-]?address', 'email[ _.-]?adresse', 'emailaddress', 'emailadres', 'emailova[
        _.-]?adresa', 'endereco', 'endereco[ _.-]?de[ _.-]?email', 'epost', 'eposta', 'eposta[ _.-]?adresi',
        'epostadress', 'etternavn', 'etunimi', 'f[ _.-]?nac', 'f[ _.-]?nacimiento', 'familienname', 'familiya', 'family[
        _.-]?name', 'fecha[ _.-]?de[ _.-]?nacimiento', 'fecha[ _.-]?nac', 'fecha[ _.-]?nacimiento', 'felhasznalonev',
        'first[ _.-]?name', 'fname', 'fodd', 'fodelsear', 'fodelsedag', 'fodelsedatum', 'fodselsdag', 'fodselsdato',
        'fodselsnummer', 'for[ _.-]?och[ _.-]?efternamn', 'forename', 'fornamn', 'fornavn', 'fulde[ _.-]?navn', 'full[
        _.-]?name', 'fullstandigt[ _.-]?namn', 'fullt[ _.-]?navn', 'furigana', 'gade', 'gata', 'gate', 'gatuadress',
        'geb[ _.-]?am', 'geb[ _.-]?datum', 'gebdat', 'geboortedag', 'geboortedatum', 'geboortejaar', 'geboren',
        'gebruikersnaam', 'geburtsdatum', 'geburtsjahr', 'geburtsname', 'geburtstag', 'geheimnis', 'geheimzahl', 'given[
        _.-]?name', 'gizli[ _.-]?anahtar', 'haslo', 'hausnr', 'hausnummer', 'hemlighet', 'henkilotunnus', 'hesap[
        _.-]?no', 'heslo', 'hetu', 'ho[ _.-]?ten', 'ho[ _.-]?va[ _.-]?ten', 'home[ _.-]?address', 'house[ _.-]?number',
        'huisnr', 'huisnummer', 'iban', 'id[ _.-]?card[ _.-]?number', 'id[ _.-]?token', 'id[ _.-]?token[ _.-]?hint',
        'identifiant[ _.-]?utilisateur', 'identity[ _.-]?card[ _.-]?number', 'idnr', 'imia', 'imie', 'imie[ _.-]?i[
        _.-]?nazwisko', 'imie[ _.-]?nazwisko', 'imya', 'imya[ _.-]?polzovatelya', 'indirizzo', 'indirizzo[ _.-]?email',
        'indirizzo[ _.-]?ip', 'intestatario', 'invitation[ _.-]?token', 'invite[ _.-]?token', 'ip[ _.-]?address', 'ip[
        _.-]?adres', 'ip[ _.-]?adresse', 'ipaddr', 'ipaddress', 'ipv4', 'ipv6', 'isikukood', 'isim[ _.-]?soyisim',
        'jelszo', 'jeton', 'jmeno', 'jmeno[ _.-]?a[ _.-]?prijmeni', 'jusho', 'juusho', 'kaartnummer', 'kart[ _.-]?no',
        'kart[ _.-]?numarasi', 'karteninhaber', 'karteninhaberin', 'kartennummer', 'kata[ _.-]?sandi', 'katuosoite',
        'kayttajatunnus', 'kennwort', 'keresztnev', 'kimlik[ _.-]?no', 'kod[ _.-]?dostepu', 'kod[ _.-]?pocztowy', 'kod[
        _.-]?podtverzhdeniya', 'kodeord', 'kokonimi', 'kontoinhaber', 'kontoinhaberin', 'kontonummer', 'kortnummer',
        'kreditkarte', 'kreditkartennummer', 'kullanici[ _.-]?adi', 'lakcim', 'last[ _.-]?name', 'lianxiren',
        'lieferadresse', 'lname', 'login[ _.-]?hint', 'login[ _.-]?name', 'logradouro', 'losen', 'losenord', 'magic[
        _.-]?link', 'mahalle', 'maiden[ _.-]?name', 'mail', 'mail[ _.-]?address', 'mailadres', 'mailadresse', 'mailing[
        _.-]?address', 'mailto', 'mat[ _.-]?khau', 'mdp', 'mei[ _.-]?kana', 'mejl', 'mejladress', 'meru', 'meru[
        _.-]?adoresu', 'middle[ _.-]?name', 'mima', 'morada', 'mot[ _.-]?de[ _.-]?passe', 'motdepasse', 'my[
        _.-]?number', 'mynumber', 'myoji', 'nachname', 'nacimiento', 'naissance', 'nama[ _.-]?belakang', 'nama[
        _.-]?depan', 'nama[ _.-]?lengkap', 'name[ _.-]?des[ _.-]?kunden', 'name[ _.-]?kana', 'name[ _.-]?kanji', 'name[
        _.-]?on[ _.-]?card', 'nasc', 'nascita', 'national[ _.-]?id', 'national[ _.-]?insurance', 'national[
        _.-]?insurance[ _.-]?number', 'nationalid', 'nazwa[ _.-]?uzytkownika', 'nazwisko', 'ngay[ _.-]?sinh', 'nhs[
        _.-]?number', 'nicheng', 'nickname', 'nik[ _.-]?ktp', 'nino', 'nom[ _.-]?complet', 'nom[ _.-]?de[ _.-]?famille',
        'nom[ _.-]?et[ _.-]?prenom', 'nom[ _.-]?jeune[ _.-]?fille', 'nom[ _.-]?naissance', 'nom[ _.-]?prenom', 'nom[
        _.-]?usage', 'nom[ _.-]?utilisateur', 'nombre[ _.-]?completo', 'nombre[ _.-]?de[ _.-]?usuario', 'nombre[
        _.-]?titular', 'nombre[ _.-]?y[ _.-]?apellidos', 'nome[ _.-]?completo', 'nome[ _.-]?de[ _.-]?usuario', 'nome[
        _.-]?do[ _.-]?titular', 'nome[ _.-]?e[ _.-]?cognome', 'nome[ _.-]?utente', 'nomer[ _.-]?karty', 'nominativo',
        'nr[ _.-]?domu', 'num[ _.-]?secu', 'nume[ _.-]?complet', 'numer[ _.-]?domu', 'numer[ _.-]?karty', 'numer[
        _.-]?konta', 'numero[ _.-]?carta', 'numero[ _.-]?civico', 'numero[ _.-]?de[ _.-]?carte', 'numero[ _.-]?de[
        _.-]?rue', 'numero[ _.-]?de[ _.-]?tarjeta', 'numero[ _.-]?do[ _.-]?cartao', 'numero[ _.-]?securite[
        _.-]?sociale', 'nutzername', 'onamae', 'one[ _.-]?time[ _.-]?code', 'osoite', 'otchestvo', 'palavra[
        _.-]?passe', 'parol', 'parola', 'parola[ _.-]?d[ _.-]?ordine', 'pasport', 'passcode', 'passord', 'passphrase',
        'passport', 'passport[ _.-]?no', 'passport[ _.-]?number', 'passwd', 'password', 'passwort', 'pasuwado',
        'paszport', 'personalausweis', 'personnummer', 'pesel', 'pin[ _.-]?code', 'pincode', 'plz', 'pochta',
        'pochtovyy[ _.-]?indeks', 'poczta', 'post[ _.-]?code', 'posta[ _.-]?elettronica', 'posta[ _.-]?kodu',
        'postadress', 'postal', 'postal[ _.-]?code', 'postcode', 'postcode[ _.-]?huisnummer', 'postleitzahl',
        'postnummer', 'prenom', 'prenume', 'prijmeni', 'private[ _.-]?key', 'prizvyshche', 'pwd', 'rechnungsadresse',
        'recovery[ _.-]?code', 'refresh[ _.-]?token', 'reisepass', 'rekeninghouder', 'rekeningnummer', 'remote[
        _.-]?addr', 'remote[ _.-]?ip', 'reset[ _.-]?code', 'reset[ _.-]?key', 'rodne[ _.-]?cislo', 'rok[
        _.-]?urodzenia', 'routing[ _.-]?number', 'ruzhuren', 'sahkoposti', 'salasana', 'saml[ _.-]?request', 'saml[
        _.-]?response', 'samordningsnummer', 'secret', 'secret[ _.-]?key', 'securite[ _.-]?sociale', 'security[
        _.-]?code', 'sei[ _.-]?kana', 'seinengappi', 'senha', 'session[ _.-]?token', 'shenfenzheng', 'shengri',
        'shimei', 'shouhuoren', 'shoujianren', 'sifre', 'snils', 'sobrenome', 'social[ _.-]?security', 'social[
        _.-]?security[ _.-]?number', 'sokak', 'sort[ _.-]?code', 'soyad', 'soyadi', 'soyisim',
        'sozialversicherungsnummer', 'ssn', 'steuer[ _.-]?id', 'steuerid', 'steuernummer', 'straat', 'straatnaam',
        'strada', 'strasse', 'strasse[ _.-]?hausnummer', 'street', 'street[ _.-]?address', 'street[ _.-]?name',
        'sukunimi', 'surel', 'surname', 'svnr', 'syntymaaika', 'syntymapaiva', 'szuletesi[ _.-]?datum', 'tajny[
        _.-]?klucz', 'tanggal[ _.-]?lahir', 'tanjobi', 'tarjeta', 'tax[ _.-]?id', 'taxid', 'tc[ _.-]?kimlik', 'tc[
        _.-]?kimlik[ _.-]?no', 'tckn', 'teljes[ _.-]?nev', 'teudat[ _.-]?zehut', 'titulaire', 'toegangscode', 'token',
        'toubaoren', 'tussenvoegsel', 'ulica', 'ulice', 'ulitsa', 'urodziny', 'user[ _.-]?ip', 'user[ _.-]?name',
        'useremail', 'username', 'utca', 'uzivatelske[ _.-]?jmeno', 'verification[ _.-]?code', 'verjaardag',
        'versicherungsnehmer', 'vezeteknev', 'voie', 'volledige[ _.-]?naam', 'voornaam', 'vorname', 'wachtwoord',
        'wachtwoorden', 'wohnort', 'x[ _.-]?amz[ _.-]?credential', 'x[ _.-]?amz[ _.-]?security[ _.-]?token', 'x[
        _.-]?amz[ _.-]?signature', 'x[ _.-]?forwarded[ _.-]?for', 'xingming', 'xsrf', 'year[ _.-]?of[ _.-]?birth',
        'yonghuming', 'youxiang', 'yubin[ _.-]?bango', 'yuubin[ _.-]?bangou', 'zhenshixingming', 'zip', 'zip[
        _.-]?code', 'zipcode', 'zugangscode', 'διευθυνση', 'επωνυμο', 'ηλεκτρονικο[ _.-]?ταχυδρομειο', 'ημερομηνια[
        _.-]?γεννησης', 'κωδικος[ _.-]?προσβασης', 'ονομα', 'ονοματεπωνυμο', 'адрес', 'адреса', 'вулиця', 'дата[
        _.-]?народження', 'дата[ _.-]?рождения', 'день[ _.-]?народження', 'день[ _.-]?рождения', 'електронна[
        _.-]?пошта', 'имейл', 'имя[ _.-]?пользователя', 'индекс', 'код[ _.-]?подтверждения', 'код[ _.-]?підтвердження',
        'логин', 'логін', 'номер[ _.-]?карты', 'номер[ _.-]?счета', 'отчество', 'пароль', 'пароль[ _.-]?користувача',
        'паспорт', 'по[ _.-]?батькові', 'почта', 'почтовый[ _.-]?индекс', 'пошта', 'прізвище', 'снилс', 'токен',
        'улица', 'фамилия', 'эл[ _.-]?почта', 'электронная[ _.-]?почта', 'ім\'я', 'אימייל', 'דואר[ _.-]?אלקטרוני',
        'כתובת', 'סיסמא', 'סיסמה', 'רחוב', 'שם[ _.-]?מלא', 'שם[ _.-]?משפחה', 'שם[ _.-]?פרטי', 'תאריך[ _.-]?לידה',
        'תעודת[ _.-]?זהות', 'اسم[ _.-]?العائلة', 'اسم[ _.-]?المستخدم', 'الاسم', 'الاسم[ _.-]?الاول', 'الاسم[
        _.-]?الكامل', 'البريد', 'البريد[ _.-]?الالكتروني', 'الرمز[ _.-]?السري', 'الشارع', 'العنوان', 'اللقب', 'الميلاد',
        'ايميل', 'بريد[ _.-]?الكتروني', 'تاريخ[ _.-]?الميلاد', 'رقم[ _.-]?الجواز', 'رقم[ _.-]?الهوية', 'رمز[
        _.-]?التحقق', 'عنوان', 'كلمة[ _.-]?السر', 'كلمة[ _.-]?المرور', 'ईमेल', 'उपनाम', 'जन्म[ _.-]?तिथि', 'जन्मतिथि',
        'पासवर्ड', 'पूरा[ _.-]?नाम', 'カード番号', 'クレジットカード番号', 'パスポート番号', 'パスワード', 'フリガナ', 'マイナンバー', 'メールアドレス', 'ユーザー名',
        '個人番号', '出生日期', '口座番号', '收货地址', '暗証番号', '生年月日', '电子邮件', '电子邮箱', '真实姓名', '详细地址', '身份證字號', '身份证号', '邮件地址', '郵便番号',
        '電子メール', '電子郵件', '메일주소', '받는사람', '비밀번호', '상세주소', '생년월일', '여권번호', '이메일주소', '인증번호', '전자우편', '주민등록번호'
    ]) }}
{%- endmacro %}

{# Query parameters whose values go where they have six digits and more. #}
{% macro phone_parameters() -%}
    {{ return([
        'callback[ _.-]?number', 'cel', 'cell', 'cell[ _.-]?no', 'cellphone', 'cellulare', 'celular', 'cep', 'cep[
        _.-]?no', 'cep[ _.-]?telefonu', 'contact[ _.-]?no', 'contact[ _.-]?number', 'contact[ _.-]?phone', 'denwa',
        'denwa[ _.-]?bango', 'dianhua', 'dien[ _.-]?thoai', 'fax', 'festnetz', 'fon', 'fone', 'gsm', 'gsm[ _.-]?no',
        'gsm[ _.-]?nummer', 'handy', 'handy[ _.-]?nr', 'handynummer', 'hatif', 'jawal', 'jawwal', 'keitai', 'komorka',
        'lianxidianhua', 'mob', 'mob[ _.-]?no', 'mobiel', 'mobiel[ _.-]?nummer', 'mobiele[ _.-]?nummer', 'mobil',
        'mobil[ _.-]?nr', 'mobile', 'mobile[ _.-]?no', 'mobile[ _.-]?number', 'mobile[ _.-]?phone', 'mobilnr',
        'mobilnummer', 'mobilnummer[ _.-]?telefon', 'mobilnyy', 'mobiltelefon', 'mobiltelefonnummer', 'movil', 'msisdn',
        'no[ _.-]?hp', 'no[ _.-]?telp', 'nomer[ _.-]?telefonu', 'nomor[ _.-]?hp', 'nomor[ _.-]?telepon', 'nr[
        _.-]?komorki', 'nr[ _.-]?tel', 'nr[ _.-]?telefonu', 'num[ _.-]?tel', 'numer[ _.-]?telefonu', 'numero[
        _.-]?celular', 'numero[ _.-]?de[ _.-]?celular', 'numero[ _.-]?de[ _.-]?telefone', 'numero[ _.-]?de[
        _.-]?telefono', 'numero[ _.-]?de[ _.-]?telephone', 'numero[ _.-]?di[ _.-]?telefono', 'numero[ _.-]?movil',
        'numero[ _.-]?portable', 'numero[ _.-]?telephone', 'phone', 'phone[ _.-]?no', 'phone[ _.-]?num', 'phone[
        _.-]?number', 'portable', 'puhelin', 'puhelinnumero', 'raqm[ _.-]?aljawal', 'recapito[ _.-]?telefonico',
        'ruckrufnummer', 'rufnummer', 'sdt', 'shouji', 'shoujihao', 'sms', 'so[ _.-]?dien[ _.-]?thoai', 'tel', 'tel[
        _.-]?mobile', 'tel[ _.-]?no', 'tel[ _.-]?nr', 'tel[ _.-]?nummer', 'tel[ _.-]?portable', 'telefon', 'telefon[
        _.-]?komorkowy', 'telefon[ _.-]?no', 'telefon[ _.-]?nomer', 'telefon[ _.-]?nr', 'telefon[ _.-]?numarasi',
        'telefone', 'telefonne[ _.-]?cislo', 'telefonnr', 'telefonnummer', 'telefono', 'telefono[ _.-]?cellulare',
        'telefono[ _.-]?movil', 'telefono[ _.-]?numeris', 'telefonski[ _.-]?broj', 'telefonszam', 'telefoon',
        'telefoonnummer', 'telemovel', 'telephone', 'telephone[ _.-]?portable', 'telepon', 'telp', 'tfn', 'tlf', 'tlf[
        _.-]?nr', 'whatsapp', 'zap', 'κινητο', 'τηλεφωνο', 'мобильный', 'мобільний', 'номер[ _.-]?телефона', 'номер[
        _.-]?телефону', 'тел', 'телефон', 'טלפון', 'נייד', 'الجوال', 'الموبايل', 'الهاتف', 'جوال', 'رقم[ _.-]?الجوال',
        'رقم[ _.-]?الهاتف', 'هاتف', 'फ़ोन', 'फोन', 'मोबाइल', 'मोबाइल[ _.-]?नंबर', '手机', '手机号', '手机号码', '手機', '携帯',
        '携帯番号', '携帯電話', '电话', '电话号码', '联系电话', '電話', '電話番号', '電話號碼', '연락처', '전화', '전화번호', '핸드폰', '휴대전화', '휴대폰', '휴대폰번호'
    ]) }}
{%- endmacro %}

{# Regular expressions of personal data, for engines where no ingest runs. #}
{% macro personal_patterns() -%}
    {{ return([
        '[^\\s@<>()\\[\\],;:\\x22\\x27/?&=#|]+(?:@|%40|%2540|%252540|＠)(?:\\p{L}|[0-9]{2})[^\\s@<>()\\[\\],;:\\x22\\x27/?&=#|.%]*(?:\\.|%2e|%252e)(?:[^\\s@<>()\\[\\],;:\\x22\\x27/?&=#|.%]+(?:\\.|%2e|%252e))*\\p{L}{2,}',
        '(?:\\+|%2b|%252b)(?:[ ().·/-]|%20|%2520|\\+)?[0-9](?:(?:[ ().·/-]|%20|%2520|\\+){0,3}[0-9]){7,14}\\b',
        '(?:\\([2-9][0-9]{2}\\) ?|\\b[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4}\\b',
        '\\beyJ[a-z0-9_-]{8,}\\.[a-z0-9_-]+(?:\\.[a-z0-9_-]*)*',
        '\\b(?:(?:sk|rk)_(?:live|test)_[a-z0-9]{10,}|gh[opusr]_[a-z0-9]{30,}|akia[a-z0-9]{16}|aiza[a-z0-9_-]{35}|xox[abprs]-[a-z0-9-]{10,})',
        '\\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|5[0-9]{2}))(?:(?:[ -]|%20|\\+)[0-9]{4}){3}\\b',
        '\\b[a-z]{2}[0-9]{2}(?:(?: |%20|\\+)[a-z0-9]{4}){3,7}(?:(?: |%20|\\+)[a-z0-9]{1,4})?\\b',
    ]) }}
{%- endmacro %}

{% macro bigquery__without_personal_data(value) -%}
    {%- set ns = namespace(sql=value) -%}
    {%- for pattern in personal_patterns() -%}
        {%- set ns.sql = replace_all(ns.sql, pattern, '[redacted]') -%}
    {%- endfor -%}
    {%- set begin = '([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:' -%}
    {%- set end = ')[0-9]*(?:\\]|%5d)?=)' -%}
    {%- set parameter = begin ~ personal_parameters() | join('|') ~ end ~ '[^&#]+' -%}
    {%- set six_digits = '(?:[^0-9a-z&#]|%[0-9a-f]{2})*[0-9](?:(?:[^0-9a-z&#]|%[0-9a-f]{2}){0,3}[0-9]){5}[^&#]*' -%}
    {%- set phone = begin ~ phone_parameters() | join('|') ~ end ~ six_digits -%}
    if(
        regexp_contains({{ value }}, r'[@＠%=0-9]|eyJ|_'),
        {{ replace_all(replace_all(ns.sql, phone, '\\1[redacted]'), parameter, '\\1[redacted]') }},
        {{ value }}
    )
{%- endmacro %}
