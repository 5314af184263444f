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

{# What sites send as an id where there is none, in small letters. #}
{% macro placeholder_ids() -%}
    {{ return(['', '(data deleted)', '(not provided)', '(not set)', '(other)', '-', '0', '0.0', '<other>', 'false', 'n/a', 'nan', 'none', 'null', 'undefined']) }}
{%- endmacro %}

{# Regular expressions of personal data and what they become, for engines where no ingest runs. #}
{% macro personal_patterns() -%}
    {{ return([
        ['([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:article|articlenumber|artikel|artikelnummer|asin|bestallning|b'
            ~ 'estellnummer|bestellung|build|category|cid|clientid|color|commande|continuationtoken|coupon|currency'
            ~ '|customerid|date|ean|eventid|gasessionnumber|gtin|guid|id|ids|invoicenumber|isbn|item|itemid|mpn|nex'
            ~ 'tpagetoken|nexttoken|numerocommande|numeropedido|oid|order|orderno|ordernumber|ordine|page|pageid|pa'
            ~ 'getoken|palabraclave|palabrasclave|palavrachave|palavraschave|parolachiave|parolechiave|pedido|pid|p'
            ~ 'rice|prodotto|product|productid|producto|produit|produkt|produto|promo|quantity|release|rev|session|'
            ~ 'sessionid|siparis|size|sku|time|timestamp|tovar|trackingnumber|transaction|transactionid|ts|uid|upc|'
            ~ 'urun|userid|userpseudoid|uuid|v|value|ver|version|vid|visitorid|voucher|zakaz|zamowienie)[0-9]*(?:\\]'
            ~ '|%5d)?=|/(?:article|articles|artikel|bestelling|bestellung|blog|commande|docs|doi|download|downloads'
            ~ '|dp|ean|firmware|gtin|isbn|item|items|news|order|orders|ordine|p|pedido|prodotti|prodotto|product|pr'
            ~ 'oducto|productos|products|produit|produits|produkt|produkte|produto|produtos|release|releases|sipari'
            ~ 's|sku|software|tovar|urun|v|version|versions|zakaz|zamowienie)/)([0-9])', '\\1_beha2vec_kept_\\2'],
        ['[^\\s@<>()\\[\\],;:\\x22\\x27/?&=#|]+(?:@|%40|%2540|%252540|＠)(?:\\p{L}|[0-9]{2})[^\\s@<>()\\[\\],;:\\x22\\x27/'
            ~ '?&=#|.%]*(?:\\.|%2e|%252e)(?:[^\\s@<>()\\[\\],;:\\x22\\x27/?&=#|.%]+(?:\\.|%2e|%252e))*\\p{L}{2,}', '[redacted]'],
        ['(?:%2b|%252b)(?:[ ().·/-]|%20|%2520|\\+)?[0-9](?:(?:[ ().·/-]|%20|%2520|\\+){0,3}[0-9]){7,14}\\b', '[redacted]'],
        ['(^|[=\\s(:/,;|]|%20|%3d)\\+(?:[ ().·/-]|%20|%2520|\\+)?[1-9](?:(?:[ ().·/-]|%20|%2520|\\+){0,3}[0-9]){7,'
            ~ '14}\\b', '\\1[redacted]'],
        ['(^|[=\\s(:/,;|]|%20|%3d)\\(?0[1-9][0-9]{0,3}\\)?(?:[ /-]|%20|%2f|\\+)(?:[0-9](?:[ -]|%20|\\+)?){6,8}[0-9]'
            ~ '\\b', '\\1[redacted]'],
        ['(?:\\([2-9][0-9]{2}\\) ?|\\b[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4}\\b', '[redacted]'],
        ['\\beyJ[a-z0-9_-]{8,}\\.[a-z0-9_-]+(?:\\.[a-z0-9_-]*)*', '[redacted]'],
        ['\\b(?:(?:sk|rk)_(?:live|test)_[a-z0-9]{10,}|gh[opusr]_[a-z0-9]{30,}|akia[a-z0-9]{16}|aiza[a-z0-9_-]{3'
            ~ '5}|xox[abprs]-[a-z0-9-]{10,})', '[redacted]'],
        ['\\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|5[0-9]{2}))(?:(?:[ -]|%20|\\+)[0-9]{4}){3}\\b', '[redacted]'],
        ['\\b[a-z]{2}[0-9]{2}(?:(?: |%20|\\+)[a-z0-9]{4}){3,7}(?:(?: |%20|\\+)[a-z0-9]{1,4})?\\b', '[redacted]'],
        ['\\b(?:de[0-9]{20}|(?:gb|nl)[0-9]{2}[a-z]{4}(?:[0-9]{14}|[0-9]{10})|fr[0-9]{12}[0-9a-z]{11}[0-9]{2}|(?'
            ~ ':es|se)[0-9]{22}|it[0-9]{2}[a-z][0-9]{10}[0-9a-z]{12}|pl[0-9]{26}|pt[0-9]{23}|tr[0-9]{24}|at[0-9]{18'
            ~ '}|be[0-9]{14})\\b', '[redacted]'],
        ['\\b[a-z]{6}[0-9]{2}[a-ehlmprst][0-9]{2}[a-z][0-9]{3}[a-z]\\b', '[redacted]'],
        ['\\b[0-9]{3}\\.[0-9]{3}\\.[0-9]{3}-[0-9]{2}\\b', '[redacted]'],
        ['-?\\b[0-9]{1,2}\\.[0-9]{4,}(?:,|%2c)(?:%20|\\+| )?-?[0-9]{1,3}\\.[0-9]{4,}', '[redacted]'],
        ['(^|[=\\s(:/,;|]|%20|%3d)(?:[2-9][0-9]|1[1-9][0-9]|2[01][0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1'
            ~ '-9]?[0-9])){3}([^0-9.]|$)', '\\1[redacted]\\2'],
        ['(\\b(?:aadhaar|afm|ahv|ahv[ _.-]?nummer|amka|asmens[ _.-]?kodas|ausweisnummer|avs|bsn|burgerservicenu'
            ~ 'mmer|cccd|cedula|cf|cnh|cnp|codice[ _.-]?fiscale|codicefiscale|cpf|cpr|cpr[ _.-]?nummer|cuil|cuit|cu'
            ~ 'rp|dni|dowod|dowod[ _.-]?osobisty|driver[ _.-]?license|drivers[ _.-]?license|driving[ _.-]?licence|e'
            ~ 'gn|emso|fodselsnummer|henkilotunnus|hetu|id[ _.-]?card[ _.-]?number|identity[ _.-]?card[ _.-]?number'
            ~ '|idnr|inn|isikukood|jmbg|kennitala|kimlik[ _.-]?no|my[ _.-]?number|mynumber|national[ _.-]?id|nation'
            ~ 'al[ _.-]?insurance|national[ _.-]?insurance[ _.-]?number|nationalid|nhs[ _.-]?number|nie|nif|nik[ _.'
            ~ '-]?ktp|nino|nip|nir|nis|num[ _.-]?secu|numero[ _.-]?securite[ _.-]?sociale|oib|pasport|passport|pass'
            ~ 'port[ _.-]?no|passport[ _.-]?number|paszport|personalausweis|personas[ _.-]?kods|personnummer|pesel|'
            ~ 'pps|reisepass|rfc|rg|rodne[ _.-]?cislo|rrn|rut|samordningsnummer|securite[ _.-]?sociale|shenfenzheng'
            ~ '|sin|snils|social[ _.-]?security|social[ _.-]?security[ _.-]?number|sozialversicherungsnummer|ssn|st'
            ~ 'euer[ _.-]?id|steuerid|steuernummer|svnr|tax[ _.-]?id|taxid|tc[ _.-]?kimlik|tc[ _.-]?kimlik[ _.-]?no'
            ~ '|tckn|teudat[ _.-]?zehut|tin|αφμ|инн|паспорт|снилс|תעודת[ _.-]?זהות|رقم[ _.-]?الجواز|رقم[ _.-]?الهوي'
            ~ 'ة|パスポート番号|マイナンバー|個人番号|身份證字號|身份证|身份证号|여권번호|주민등록번호)[^0-9a-z&#]{1,3})(?:[0-8][0-9]{2}-[0-9]{2}|(?:19|20'
            ~ ')?[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))-[0-9]{4}\\b', '\\1[redacted]'],
        ['[一七万三上下不与世並中丸丹久九乱乳亀二五井交仁今仙仲伊会似佐依保信俵倉儀児入八公六兵具内円冨冷出分切刈初別利前剛剣力功加勅勝北十千半南印原又及友双古司合吉名向吾呉周和咲品唐喜嘉四国園土坂坪城堀堂塀塚'
            ~ '塩増墨壬壱夏夕外多大天太奈奥女如妹姉子宇守安宍宮富寒寺対小尾屋山岡岩岸峰島崎嵯川工巳市布帆平幸広庄弥当影後得御徳忍志忽恩恵愛戀成我戸手折持掛摂支文斎斑新日早明星春是時普景更曽最月有服望朝木末本朱杉村東'
            ~ '松板林枝柏染柘柚柳柴柿栃栗根桃桐桑桜梅梨梶棚棟森植椎楠榊榎榛樋権横橋橘檜櫛正武毒比毛氏水永江池沖沢河沼法波津浅浜浦浮海涼深清渋渡渥湯溝滋滝瀬火灰烏無照熊片牛牟牧物犬狩猪玉班琴瑞生田由甲町畑留畠登白百的'
            ~ '皆益目直相真矢知石砂碓磯神福秋税稗種稲穂穴窪立竜竹笛笠笹等筒箱篠米粥糸納細紺結続網綾綿緑緒練織纐美羽翁肝肥能脇臼興舞般船芥芦花芳若苫茂茅草荒荷荻菅菊菓萩落葉葛蒼蓬蓮薩薬薮藁藤藺蘇虫虹蛯蜂蝦蝶蠣行衛衣西'
            ~ '親角言設調諏諫諸谷豊財賀赤越足跡躑軽輿辰辻近逢進遊道遠那都酒醍里重野金釘釜鈴銭錦鍋鍵鎌鎧鏑鏡長門関阪阿陣陰陸隈雛難雨雪雲霧露青静韮音須類風飛飯館首香馬駒高鬼魚鮫鮭鯨鳥鳩鳴鴨鶴鷲鷹鹿麻黄黒龍][々上下並'
            ~ '中串丸乃久之乙二井交亦京人付代伏伯住佐作使保信俣倉働儀元入八六内円出刀分切別利前剣副加勝匂北十南原厨又友反取口古司合吉名向吹呂告味和喜嘉四国園地坂坊坪垂垣城埜堀堂堅場塚塩墨壁士夏夕多大天奈奥好妻姫子宅'
            ~ '守安宗室宮家寄富寺寿小尻尾居屋山岐岡岩岸峨島崎嶺川巣工巳巻市布希師帯幡平広府座庫庭延弓張彅形役御心志念悟慈慶我戸所手押持摩数敵敷文斐斗方施日早明星智暮曽月木本杉村束条東松林枝柳栖栗根桐梅梠梨森椋植椎楽'
            ~ '槻樫樹橋欠次武歯母比水永江池沖沢河治沼泉法波洞津浅浜浦海淵添清渕渡渦満溝滝瀬無熊爪牛牟狩玉瓶生田甲男界畑留畠登白百目真矢知石礼神祭福科穂積立端竹笠筑築米納綿織纈置美羽翔老者耳股肥脇臣舟良芝花若茂草莱菅'
            ~ '菜華萢萩葉葛薙藤行衛袋西見親角訪語謝護谷豆貫賀走越足路躅車軽輪辺辻込近造連道達遠那郎部郷都醐里重野金鈴鍋長門間関院隈階際隣集雪雲音須頭風食飼飾馬高魚鯨鳥鳩鶴黒]\\p{Han}{0,4}( ?(?:様|'
            ~ 'さん|殿))', '[redacted]\\1'],
        ['(\\b(?:basta|baste|bem[ _.-]?vinda[ _.-]?de[ _.-]?volta|bem[ _.-]?vindo[ _.-]?de[ _.-]?volta|bentorna'
            ~ 'ta|bentornato|beste|bienvenida[ _.-]?de[ _.-]?nuevo|bienvenido[ _.-]?de[ _.-]?nuevo|bine[ _.-]?ai[ _'
            ~ '.-]?revenit|bon[ _.-]?retour|cara|caro|chao[ _.-]?mung[ _.-]?tro[ _.-]?lai|cher|chere|dear|draga|dra'
            ~ 'gul|droga|drogi|estimada|estimado|geachte|gentile|hyva|kaere|kara|kare|kedves|kjaere|liebe|lieber|mi'
            ~ 'la|mily|prezada|prezado|querida|querido|sayin|sehr[ _.-]?geehrte|sehr[ _.-]?geehrter|selamat[ _.-]?d'
            ~ 'atang[ _.-]?kembali|sevgili|szanowna|szanowny|tekrar[ _.-]?hos[ _.-]?geldiniz|tervetuloa[ _.-]?takai'
            ~ 'sin|tisztelt|udvozoljuk[ _.-]?ujra|valkommen[ _.-]?tillbaka|vazena|vazeny|velkommen[ _.-]?tilbage|ve'
            ~ 'lkommen[ _.-]?tilbake|vitejte[ _.-]?zpet|welcome[ _.-]?back|welkom[ _.-]?terug|willkommen[ _.-]?zuru'
            ~ 'ck|witaj[ _.-]?ponownie|yang[ _.-]?terhormat)[,!]? )(?-i:\\p{Lu}[\\p{L}\\x27’-]+ \\p{Lu}[\\p{L}\\x27’-]+)', '\\1[redacted]'],
        ['(/(?:abmelden|acceso|accesso|acesso|activate|activation|activer|afmelden|aktivera|aktivieren|anmelde'
            ~ 'n|anmeldung|attiva|auth|avsluta|baja|bekrafta|bestatigen|bestatigung|bevestigen|callback|cancelar|cb'
            ~ '|conferma|confermaemail|confirm|confirmar|confirmation|confirmemail|confirmer|connexion|contrasena|d'
            ~ 'esabonnement|disiscriviti|forgot|forgotpassword|giris|haslo|inlog|inloggen|invitation|invitations|in'
            ~ 'vite|logga|login|logowanie|losenord|magic|magiclink|magico|magique|motdepasse|oauth|onayla|optin|opt'
            ~ 'out|parol|password|passwordreset|passwort|passwortzurucksetzen|potwierdz|preferences|recover|recover'
            ~ 'y|reset|resetpassword|restablecer|senha|setpassword|share|sifre|sifresifirla|signin|sso|token|unsubs'
            ~ 'cribe|verificar|verificare|verification|verify|verifyemail|vhod|wachtwoord|wypisz|zweryfikuj|подтвер'
            ~ 'дить)[^/?#]*/)[a-z0-9._~-]{16,}', '\\1[redacted]'],
        ['([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:callback[ _.-]?number|cel|cell|cell[ _.-]?no|cellphone|cellula'
            ~ 're|celular|cep|cep[ _.-]?no|cep[ _.-]?telefonu|contact[ _.-]?no|contact[ _.-]?number|contact[ _.-]?p'
            ~ 'hone|denwa|denwa[ _.-]?bango|dianhua|dien[ _.-]?thoai|fax|festnetz|fon|fone|gsm|gsm[ _.-]?no|gsm[ _.'
            ~ '-]?nummer|handy|handy[ _.-]?nr|handynummer|hatif|jawal|jawwal|keitai|komorka|lianxidianhua|mob|mob[ '
            ~ '_.-]?no|mobiel|mobiel[ _.-]?nummer|mobiele[ _.-]?nummer|mobil|mobil[ _.-]?nr|mobile|mobile[ _.-]?no|'
            ~ 'mobile[ _.-]?number|mobile[ _.-]?phone|mobilnr|mobilnummer|mobilnummer[ _.-]?telefon|mobilnyy|mobilt'
            ~ 'elefon|mobiltelefonnummer|movil|msisdn|no[ _.-]?hp|no[ _.-]?telp|nomer[ _.-]?telefonu|nomor[ _.-]?hp'
            ~ '|nomor[ _.-]?telepon|nr[ _.-]?komorki|nr[ _.-]?tel|nr[ _.-]?telefonu|num[ _.-]?tel|numer[ _.-]?telef'
            ~ 'onu|numero[ _.-]?celular|numero[ _.-]?de[ _.-]?celular|numero[ _.-]?de[ _.-]?telefone|numero[ _.-]?d'
            ~ 'e[ _.-]?telefono|numero[ _.-]?de[ _.-]?telephone|numero[ _.-]?di[ _.-]?telefono|numero[ _.-]?movil|n'
            ~ 'umero[ _.-]?portable|numero[ _.-]?telephone|phone|phone[ _.-]?no|phone[ _.-]?num|phone[ _.-]?number|'
            ~ 'portable|puhelin|puhelinnumero|raqm[ _.-]?aljawal|recapito[ _.-]?telefonico|ruckrufnummer|rufnummer|'
            ~ 'sdt|shouji|shoujihao|sms|so[ _.-]?dien[ _.-]?thoai|tel|tel[ _.-]?mobile|tel[ _.-]?no|tel[ _.-]?nr|te'
            ~ 'l[ _.-]?nummer|tel[ _.-]?portable|telefon|telefon[ _.-]?komorkowy|telefon[ _.-]?no|telefon[ _.-]?nom'
            ~ 'er|telefon[ _.-]?nr|telefon[ _.-]?numarasi|telefone|telefonne[ _.-]?cislo|telefonnr|telefonnummer|te'
            ~ 'lefono|telefono[ _.-]?cellulare|telefono[ _.-]?movil|telefono[ _.-]?numeris|telefonski[ _.-]?broj|te'
            ~ 'lefonszam|telefoon|telefoonnummer|telemovel|telephone|telephone[ _.-]?portable|telepon|telp|tfn|tlf|'
            ~ 'tlf[ _.-]?nr|whatsapp|zap|κινητο|τηλεφωνο|мобильный|мобільний|номер[ _.-]?телефона|номер[ _.-]?телеф'
            ~ 'ону|тел|телефон|טלפון|נייד|الجوال|الموبايل|الهاتف|جوال|رقم[ _.-]?الجوال|رقم[ _.-]?الهاتف|هاتف|फ़ोन|फ'
            ~ 'ोन|मोबाइल|मोबाइल[ _.-]?नंबर|手机|手机号|手机号码|手機|携帯|携帯番号|携帯電話|电话|电话号码|联系电话|電話|電話番号|電話號碼|연락처|전화|전화번호|핸드폰|휴대'
            ~ '전화|휴대폰|휴대폰번호)[0-9]*(?:\\]|%5d)?=)(?:[^0-9a-z&#]|%[0-9a-f]{2})*[0-9](?:(?:[^0-9a-z&#]|%[0-9a-f]{2}){0,'
            ~ '3}[0-9]){5}[^&#]*', '\\1[redacted]'],
        ['([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:aanvrager|absolvent|account|aday|adherent|afzender|alias[ _.-]'
            ~ '?de[ _.-]?usuario|alici|allievo|alumna|alumno|aluna|alunno|aluno|anmeldung|anstalld|antragsteller|an'
            ~ 'vandare|apodo|applicant|asegurado|aspirante|assicurato|assigned[ _.-]?to|assignee|assure|attendee|at'
            ~ 'tention|attn|avliden|barn|basvuran|begunstigde|beneficiaire|beneficiario|beneficiary|benutzer|benutz'
            ~ 'erkennung|besokare|besteller|bestuurder|besucher|bewerber|bewerberin|bezoeker|bill[ _.-]?to|booked[ '
            ~ '_.-]?by|braut|brautigam|bride|bruger|bruid|bruidegom|bruker|calisan|candidat|candidata|candidate|can'
            ~ 'didato|child|client|cliente|cocuk|colleague|conducente|conducteur|conductor|condutor|coniuge|conjoin'
            ~ 't|conjuge|consignee|contact|convidada|convidado|conyuge|corsista|created[ _.-]?by|cursist|customer|d'
            ~ 'amat|darczynca|davetli|deelnemer|defunt|defunto|deliver[ _.-]?to|deltagare|destinataire|destinatario'
            ~ '|difunto|dipendente|doador|donante|donateur|donatore|donor|driver|dziecko|ehepartner|elev|eleve|emer'
            ~ 'gency[ _.-]?contact|empfanger|empfangerin|empleado|employee|enfant|estudante|estudiante|etudiant|exp'
            ~ 'editeur|fahrer|falecido|felhasznalo|figlio|filho|firmante|firmatario|forare|funcionario|gast|gebruik'
            ~ 'er|gelin|getuige|gift[ _.-]?from|gift[ _.-]?to|gosc|graduate|groom|guardian|guest|handle|hasta|heir|'
            ~ 'hijo|holder|hospede|huesped|huurder|hyresgast|identifiant|in[ _.-]?memory[ _.-]?of|indicado|indicado'
            ~ '[ _.-]?pelo|indicado[ _.-]?por|inhaber|inquilino|insured|interviewee|introduced[ _.-]?by|invitada|in'
            ~ 'vitado|invitato|invite|invited[ _.-]?by|invitee|inviter|kandidaat|kandidat|kandydat|kandydatka|katil'
            ~ 'imci|kayttaja|kierowca|kin|kind|kiraci|klant|klient|kullanici|kund|kunde|kundin|kursant|leerling|loc'
            ~ 'ataire|login|mandant|mandantin|medewerker|member|membre|miembro|mieter|misafir|mitarbeiter|mitglied|'
            ~ 'mitreisender|mittente|mottagare|musteri|nachmieter|nadawca|najemca|next[ _.-]?of[ _.-]?kin|nick|noiv'
            ~ 'a|noivo|nominee|novia|novio|nutzer|odbiorca|ogrenci|on[ _.-]?behalf[ _.-]?of|ontvanger|ordered[ _.-]'
            ~ '?by|organiser|organizer|ospite|overledene|owner|paciente|pacjent|parent|parrain|partecipante|partici'
            ~ 'pant|participante|partner|pasajero|pasazer|passageiro|passager|passagier|passazhir|passeggero|passen'
            ~ 'ger|patient|patientin|patsient|pax|payee|payer|paziente|podrozny|policyholder|poluchatel|polzovatel|'
            ~ 'postulant|pracownik|pseudo|pseudonyme|pupil|rebenok|receiver|receptor|recipient|recommended[ _.-]?by'
            ~ '|referee|referred|referred[ _.-]?by|registrant|reisender|reiziger|remetente|remitente|requested[ _.-'
            ~ ']?by|requester|resenar|respondent|reviewer|richiedente|sahit|salarie|schuler|schulerin|segurado|send'
            ~ 'er|sent[ _.-]?by|ship[ _.-]?to|signataire|signatory|signer|socio|sokande|solicitante|sollicitant|sop'
            ~ 'rannome|souscripteur|spender|sposa|sposo|spouse|stagiaire|student|studente|studierende|subscriber|su'
            ~ 'rucu|swiadek|teilnehmer|temoin|tenant|testemunha|testigo|testimone|titolare|titular|tomador|trainee|'
            ~ 'traveler|traveller|ubezpieczony|uchastnik|uczen|uczestnik|unterzeichner|user|user[ _.-]?handle|usuar'
            ~ 'io|utente|utilisateur|utilizador|utilizator|uye|uzivatel|uzytkownik|versicherte|versicherter|verzeke'
            ~ 'rde|viaggiatore|viajante|viajero|vittne|voditel|vormieter|voyageur|witness|wnioskodawca|yolcu|zakazc'
            ~ 'hik|zayavitel|zhilets|ziyaretci|zmarly|водитель|заказчик|клиент|користувач|ник|никнейм|пассажир|паци'
            ~ 'ент|получатель|пользователь|участник|العميل|المستخدم|会员|客户|用户|顧客|顾客|고객|사용자|이용자|회원)[0-9]*(?:\\]|%5d)?='
            ~ ')(?:(?-i:\\p{Lu})|%[c-f][0-9a-f]%[89ab][0-9a-f])(?:[\\p{L}\\x27’-]|%[c-f][0-9a-f]%[89ab][0-9a-f])+(?:(?'
            ~ ':\\+|%20| )[a-z]{2,3}){0,2}(?:(?:\\+|%20| )(?:(?-i:\\p{Lu})|%[c-f][0-9a-f]%[89ab][0-9a-f])(?:[\\p{L}\\x27'
            ~ '’-]|%[c-f][0-9a-f]%[89ab][0-9a-f])+){1,3}', '\\1[redacted]'],
        ['([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:boylam|breitengrad|coordinates|coords|dlugosc|enlem|geo|geoloc'
            ~ 'ation|gps|koordinaten|laengengrad|lat|latitud|latitude|latitudine|latlng|latlong|ll|lng|lon|longitud'
            ~ '|longitude|longitudine|sll|szerokosc|долгота|широта|経度|緯度)[0-9]*(?:\\]|%5d)?=)-?[0-9]{1,3}\\.[0-9]{2,}'
            ~ '[^&#]*', '\\1[redacted]'],
        ['([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:activation|asp[ _.-]?net[ _.-]?session[ _.-]?id|auth|c|cftoken'
            ~ '|ci[ _.-]?session|code|confirmation|connect[ _.-]?sid|hmac|invitation|invite|jsessionid|k|key|larave'
            ~ 'l[ _.-]?session|link|nonce|oobcode|oscsid|pass|php[ _.-]?session[ _.-]?id|phpsessid|security|sess[ _'
            ~ '.-]?id|sessid|sid|sig|signature|sso|state|t|ticket|verify|zenid)[0-9]*(?:\\]|%5d)?=)[a-z0-9._~%-]{24,'
            ~ '}', '\\1[redacted]'],
        ['([?&#;](?:[^=&#]*(?:[_.-]|\\[|%5b))?(?:aadhaar|access[ _.-]?key|access[ _.-]?token|account[ _.-]?hold'
            ~ 'er|account[ _.-]?number|achternaam|acik[ _.-]?adres|activation[ _.-]?code|activation[ _.-]?key|ad[ _'
            ~ '.-]?soyad|addr|address|address[ _.-]?line|adgangskode|adi[ _.-]?soyadi|adres|adres[ _.-]?dostavki|ad'
            ~ 'res[ _.-]?email|adres[ _.-]?ip|adresa|adress|adresse|adresse[ _.-]?courriel|adresse[ _.-]?email|adre'
            ~ 'sse[ _.-]?ip|adresse[ _.-]?mail|adresse[ _.-]?postale|adsoyad|ahv[ _.-]?nummer|alamat|alamat[ _.-]?r'
            ~ 'umah|amka|aniversario|anmeldename|annee[ _.-]?de[ _.-]?naissance|anschrift|anshobango|ansprechpartne'
            ~ 'r|anvandarnamn|apelido|apellido|apellidos|api[ _.-]?key|api[ _.-]?secret|apikey|asmens[ _.-]?kodas|a'
            ~ 'usweisnummer|auth[ _.-]?code|auth[ _.-]?token|authorization|bairro|bank[ _.-]?account|bankverbindung'
            ~ '|bday|bearer|beibaoren|benutzername|bestatigungscode|bic[ _.-]?iban|birth[ _.-]?date|birth[ _.-]?day'
            ~ '|birth[ _.-]?year|birthdate|birthday|born|brugernavn|brukernavn|bsn|burgerservicenummer|cadde|calle|'
            ~ 'card[ _.-]?code|card[ _.-]?holder|card[ _.-]?no|card[ _.-]?number|cardholder|cardnumber|carta[ _.-]?'
            ~ 'di[ _.-]?credito|cartao|carte[ _.-]?bancaire|cc[ _.-]?number|cccd|ccnum|cedula|cele[ _.-]?jmeno|chav'
            ~ 'e[ _.-]?secreta|chiave[ _.-]?segreta|chushengriqi|clave[ _.-]?de[ _.-]?acceso|clave[ _.-]?secreta|cl'
            ~ 'e[ _.-]?api|client[ _.-]?ip|client[ _.-]?secret|cod[ _.-]?postal|code[ _.-]?postal|code[ _.-]?secret'
            ~ '|codice[ _.-]?fiscale|codice[ _.-]?postale|codice[ _.-]?segreto|codicefiscale|codigo[ _.-]?postal|co'
            ~ 'gnome|compleanno|confirmation[ _.-]?token|contrasena|contrasenya|correio|correio[ _.-]?eletronico|co'
            ~ 'rreo|correo[ _.-]?electronico|courriel|cpf|cpr[ _.-]?nummer|credential|credentials|credit[ _.-]?card'
            ~ '|creditcard|csrf|cuil|cuit|cumpleanos|curp|cvc|cvv|cvv2|data[ _.-]?de[ _.-]?nascimento|data[ _.-]?di'
            ~ '[ _.-]?nascita|data[ _.-]?nasc|data[ _.-]?nascimento|data[ _.-]?nascita|data[ _.-]?nasterii|data[ _.'
            ~ '-]?rozhdeniya|data[ _.-]?urodzenia|date[ _.-]?de[ _.-]?naissance|date[ _.-]?naissance|date[ _.-]?of['
            ~ ' _.-]?birth|datum[ _.-]?narozeni|den[ _.-]?rozhdeniya|dia[ _.-]?chi|dianziyoujian|direccion|direccio'
            ~ 'n[ _.-]?de[ _.-]?correo|direccion[ _.-]?ip|direccion[ _.-]?postal|dizhi|dni|dob|dogrulama[ _.-]?kodu'
            ~ '|dogum[ _.-]?gunu|dogum[ _.-]?tarihi|dogum[ _.-]?yili|domicilio|dowod|dowod[ _.-]?osobisty|driver[ _'
            ~ '.-]?license|drivers[ _.-]?license|driving[ _.-]?licence|dt[ _.-]?nasc|e[ _.-]?mail|e[ _.-]?mailadres'
            ~ '|e[ _.-]?mailadresse|e[ _.-]?post|e[ _.-]?posta|e[ _.-]?postadress|efternamn|efternavn|elektronna[ _'
            ~ '.-]?poshta|elektronnaya[ _.-]?pochta|email|email[ _.-]?address|email[ _.-]?adresse|emailaddress|emai'
            ~ 'ladres|emailova[ _.-]?adresa|emso|endereco|endereco[ _.-]?de[ _.-]?email|epost|eposta|eposta[ _.-]?a'
            ~ 'dresi|epostadress|etternavn|etunimi|f[ _.-]?nac|f[ _.-]?nacimiento|familienname|familiya|family[ _.-'
            ~ ']?name|fecha[ _.-]?de[ _.-]?nacimiento|fecha[ _.-]?nac|fecha[ _.-]?nacimiento|felhasznalonev|first[ '
            ~ '_.-]?name|fname|fodd|fodelsear|fodelsedag|fodelsedatum|fodselsdag|fodselsdato|fodselsnummer|for[ _.-'
            ~ ']?och[ _.-]?efternamn|forename|fornamn|fornavn|fulde[ _.-]?navn|full[ _.-]?name|fullstandigt[ _.-]?n'
            ~ 'amn|fullt[ _.-]?navn|furigana|gade|gata|gate|gatuadress|geb[ _.-]?am|geb[ _.-]?datum|gebdat|geboorte'
            ~ 'dag|geboortedatum|geboortejaar|geboren|gebruikersnaam|geburtsdatum|geburtsjahr|geburtsname|geburtsta'
            ~ 'g|geheimnis|geheimzahl|given[ _.-]?name|gizli[ _.-]?anahtar|haslo|hausnr|hausnummer|hemlighet|henkil'
            ~ 'otunnus|hesap[ _.-]?no|heslo|hetu|ho[ _.-]?ten|ho[ _.-]?va[ _.-]?ten|home[ _.-]?address|house[ _.-]?'
            ~ 'number|huisnr|huisnummer|iban|id[ _.-]?card[ _.-]?number|id[ _.-]?token|id[ _.-]?token[ _.-]?hint|id'
            ~ 'entifiant[ _.-]?utilisateur|identity[ _.-]?card[ _.-]?number|idnr|imia|imie|imie[ _.-]?i[ _.-]?nazwi'
            ~ 'sko|imie[ _.-]?nazwisko|imya|imya[ _.-]?polzovatelya|indirizzo|indirizzo[ _.-]?email|indirizzo[ _.-]'
            ~ '?ip|intestatario|invitation[ _.-]?token|invite[ _.-]?token|ip[ _.-]?address|ip[ _.-]?adres|ip[ _.-]?'
            ~ 'adresse|ipaddr|ipaddress|ipv4|ipv6|iranyitoszam|irsz|isikukood|isim[ _.-]?soyisim|jelszo|jeton|jmbg|'
            ~ 'jmeno|jmeno[ _.-]?a[ _.-]?prijmeni|jusho|juusho|kaartnummer|kart[ _.-]?no|kart[ _.-]?numarasi|karten'
            ~ 'inhaber|karteninhaberin|kartennummer|kata[ _.-]?sandi|katuosoite|kayttajatunnus|kennitala|kennwort|k'
            ~ 'eresztnev|kimlik[ _.-]?no|kod[ _.-]?dostepu|kod[ _.-]?pocztowy|kod[ _.-]?podtverzhdeniya|kodeord|kok'
            ~ 'onimi|kontoinhaber|kontoinhaberin|kontonummer|kortnummer|kreditkarte|kreditkartennummer|kullanici[ _'
            ~ '.-]?adi|lakcim|last[ _.-]?name|lianxiren|lieferadresse|lname|login[ _.-]?hint|login[ _.-]?name|logra'
            ~ 'douro|losen|losenord|magic[ _.-]?link|mahalle|maiden[ _.-]?name|mail|mail[ _.-]?address|mailadres|ma'
            ~ 'iladresse|mailing[ _.-]?address|mailto|mat[ _.-]?khau|mdp|mei[ _.-]?kana|mejl|mejladress|meru|meru[ '
            ~ '_.-]?adoresu|middle[ _.-]?name|mima|morada|mot[ _.-]?de[ _.-]?passe|motdepasse|my[ _.-]?number|mynum'
            ~ 'ber|myoji|nachname|nacimiento|naissance|nama[ _.-]?belakang|nama[ _.-]?depan|nama[ _.-]?lengkap|name'
            ~ '[ _.-]?des[ _.-]?kunden|name[ _.-]?kana|name[ _.-]?kanji|name[ _.-]?on[ _.-]?card|nasc|nascita|natio'
            ~ 'nal[ _.-]?id|national[ _.-]?insurance|national[ _.-]?insurance[ _.-]?number|nationalid|nazwa[ _.-]?u'
            ~ 'zytkownika|nazwisko|ngay[ _.-]?sinh|nhs[ _.-]?number|nicheng|nickname|nik[ _.-]?ktp|nino|nname|nom[ '
            ~ '_.-]?complet|nom[ _.-]?de[ _.-]?famille|nom[ _.-]?et[ _.-]?prenom|nom[ _.-]?jeune[ _.-]?fille|nom[ _'
            ~ '.-]?naissance|nom[ _.-]?prenom|nom[ _.-]?usage|nom[ _.-]?utilisateur|nombre[ _.-]?completo|nombre[ _'
            ~ '.-]?de[ _.-]?usuario|nombre[ _.-]?titular|nombre[ _.-]?y[ _.-]?apellidos|nome[ _.-]?completo|nome[ _'
            ~ '.-]?de[ _.-]?usuario|nome[ _.-]?do[ _.-]?titular|nome[ _.-]?e[ _.-]?cognome|nome[ _.-]?utente|nomer['
            ~ ' _.-]?karty|nominativo|nr[ _.-]?domu|num[ _.-]?secu|nume[ _.-]?complet|numer[ _.-]?domu|numer[ _.-]?'
            ~ 'karty|numer[ _.-]?konta|numero[ _.-]?carta|numero[ _.-]?civico|numero[ _.-]?de[ _.-]?carte|numero[ _'
            ~ '.-]?de[ _.-]?rue|numero[ _.-]?de[ _.-]?tarjeta|numero[ _.-]?do[ _.-]?cartao|numero[ _.-]?securite[ _'
            ~ '.-]?sociale|nutzername|onamae|one[ _.-]?time[ _.-]?code|osoite|otchestvo|palavra[ _.-]?passe|parol|p'
            ~ 'arola|parola[ _.-]?d[ _.-]?ordine|pasport|passcode|passord|passphrase|passport|passport[ _.-]?no|pas'
            ~ 'sport[ _.-]?number|passwd|password|passwort|pasuwado|paszport|personalausweis|personas[ _.-]?kods|pe'
            ~ 'rsonnummer|pesel|pin[ _.-]?code|pincode|plz|pochta|pochtovyy[ _.-]?indeks|poczta|post[ _.-]?code|pos'
            ~ 't[ _.-]?nr|posta[ _.-]?elettronica|posta[ _.-]?kodu|postadress|postal|postal[ _.-]?code|postcode|pos'
            ~ 'tcode[ _.-]?huisnummer|postinumero|postleitzahl|postnr|postnummer|prenom|prenume|prijmeni|private[ _'
            ~ '.-]?key|prizvyshche|pwd|rechnungsadresse|recovery[ _.-]?code|refresh[ _.-]?token|reisepass|rekeningh'
            ~ 'ouder|rekeningnummer|remote[ _.-]?addr|remote[ _.-]?ip|reset[ _.-]?code|reset[ _.-]?key|rodne[ _.-]?'
            ~ 'cislo|rok[ _.-]?urodzenia|routing[ _.-]?number|ruzhuren|sahkoposti|salasana|saml[ _.-]?request|saml['
            ~ ' _.-]?response|samordningsnummer|secret|secret[ _.-]?key|securite[ _.-]?sociale|security[ _.-]?code|'
            ~ 'sei[ _.-]?kana|seinengappi|senha|session[ _.-]?token|shenfenzheng|shengri|shimei|shouhuoren|shoujian'
            ~ 'ren|sifre|smerovaci[ _.-]?cislo|snils|sobrenome|social[ _.-]?security|social[ _.-]?security[ _.-]?nu'
            ~ 'mber|sokak|sort[ _.-]?code|soyad|soyadi|soyisim|sozialversicherungsnummer|ssn|steuer[ _.-]?id|steuer'
            ~ 'id|steuernummer|straat|straatnaam|strada|strasse|strasse[ _.-]?hausnummer|street|street[ _.-]?addres'
            ~ 's|street[ _.-]?name|sukunimi|surel|surname|svnr|syntymaaika|syntymapaiva|szuletesi[ _.-]?datum|tajny'
            ~ '[ _.-]?klucz|tanggal[ _.-]?lahir|tanjobi|tarjeta|tax[ _.-]?id|taxid|tc[ _.-]?kimlik|tc[ _.-]?kimlik['
            ~ ' _.-]?no|tckn|teljes[ _.-]?nev|teudat[ _.-]?zehut|titulaire|toegangscode|token|toubaoren|tussenvoegs'
            ~ 'el|ulica|ulice|ulitsa|urodziny|user[ _.-]?ip|user[ _.-]?name|useremail|username|utca|uzivatelske[ _.'
            ~ '-]?jmeno|verification[ _.-]?code|verjaardag|versicherungsnehmer|vezeteknev|vname|voie|volledige[ _.-'
            ~ ']?naam|voornaam|vorname|wachtwoord|wachtwoorden|wohnort|x[ _.-]?amz[ _.-]?credential|x[ _.-]?amz[ _.'
            ~ '-]?security[ _.-]?token|x[ _.-]?amz[ _.-]?signature|x[ _.-]?forwarded[ _.-]?for|xingming|xsrf|year[ '
            ~ '_.-]?of[ _.-]?birth|yonghuming|youxiang|yubin[ _.-]?bango|yuubin[ _.-]?bangou|zhenshixingming|zip|zi'
            ~ 'p[ _.-]?code|zipcode|zugangscode|διευθυνση|επωνυμο|ηλεκτρονικο[ _.-]?ταχυδρομειο|ημερομηνια[ _.-]?γε'
            ~ 'ννησης|κωδικος[ _.-]?προσβασης|ονομα|ονοματεπωνυμο|адрес|адреса|вулиця|дата[ _.-]?народження|дата[ _'
            ~ '.-]?рождения|день[ _.-]?народження|день[ _.-]?рождения|електронна[ _.-]?пошта|имейл|имя[ _.-]?пользо'
            ~ 'вателя|индекс|код[ _.-]?подтверждения|код[ _.-]?підтвердження|логин|логін|номер[ _.-]?карты|номер[ _'
            ~ '.-]?счета|отчество|пароль|пароль[ _.-]?користувача|паспорт|по[ _.-]?батькові|почта|почтовый[ _.-]?ин'
            ~ 'декс|пошта|прізвище|снилс|токен|улица|фамилия|эл[ _.-]?почта|электронная[ _.-]?почта|ім\'я|אימייל|דוא'
            ~ 'ר[ _.-]?אלקטרוני|כתובת|סיסמא|סיסמה|רחוב|שם[ _.-]?מלא|שם[ _.-]?משפחה|שם[ _.-]?פרטי|תאריך[ _.-]?לידה|ת'
            ~ 'עודת[ _.-]?זהות|اسم[ _.-]?العائلة|اسم[ _.-]?المستخدم|الاسم|الاسم[ _.-]?الاول|الاسم[ _.-]?الكامل|البر'
            ~ 'يد|البريد[ _.-]?الالكتروني|الرمز[ _.-]?السري|الشارع|العنوان|اللقب|الميلاد|ايميل|بريد[ _.-]?الكتروني|'
            ~ 'تاريخ[ _.-]?الميلاد|رقم[ _.-]?الجواز|رقم[ _.-]?الهوية|رمز[ _.-]?التحقق|عنوان|كلمة[ _.-]?السر|كلمة[ _'
            ~ '.-]?المرور|ईमेल|उपनाम|जन्म[ _.-]?तिथि|जन्मतिथि|पासवर्ड|पूरा[ _.-]?नाम|カード番号|クレジットカード番号|パスポート番号|パスワード'
            ~ '|フリガナ|マイナンバー|メールアドレス|ユーザー名|個人番号|出生日期|口座番号|收货地址|暗証番号|生年月日|电子邮件|电子邮箱|真实姓名|详细地址|身份證字號|身份证号|邮件地址|郵便番号|電子'
            ~ 'メール|電子郵件|메일주소|받는사람|비밀번호|상세주소|생년월일|여권번호|이메일주소|인증번호|전자우편|주민등록번호)[0-9]*(?:\\]|%5d)?=)[^&#]+', '\\1[redacted]'],
        ['_beha2vec_kept_', ''],
    ]) }}
{%- endmacro %}

{% macro bigquery__without_personal_data(value) -%}
    {%- set ns = namespace(sql=value) -%}
    {%- for pattern, replacement in personal_patterns() -%}
        {%- set ns.sql = replace_all(ns.sql, pattern, replacement) -%}
    {%- endfor -%}
    if(regexp_contains({{ value }}, r'[@＠%=0-9_,様殿]|さん|eyJ'), {{ ns.sql }}, {{ value }})
{%- endmacro %}
